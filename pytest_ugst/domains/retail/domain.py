"""The domains ``retail`` (tau-bench) and ``retail-tau2`` (tau2-bench)."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from pytest_ugst.domains.overlay import Base
from pytest_ugst.domains.retail.directory import Directory
from pytest_ugst.domains.retail.tools import RetailTools, RetailToolsTau2, RetailToolsV1
from pytest_ugst.domains.tau.files import Edition, Shape, read, root
from pytest_ugst.domains.tau.session import TauDomain

SHAPE: Shape = {
    "orders": {"user_id": str, "status": str, "items": list, "payment_history": list, "address": dict},
    "products": {"name": str, "product_id": str, "variants": dict},
    "users": {"name": dict, "email": str, "address": dict, "payment_methods": dict},
}


@cache
def _load(folder: Path, name: str, edition: Edition, owner: type[RetailTools]) -> TauDomain:
    files = read(folder, "retail", edition, SHAPE)
    make = partial(owner, directory=Directory(files.tables["users"], files.tables["products"]))
    return TauDomain(name, "retail", Base(files.tables), files.policy, owner, make)


def load() -> TauDomain:
    """The shop of tau-bench; its data is read once per process and folder.

    Raises:
        DataMissing: If the data is not on this machine.
        UsageError: If it is not what it should be.
    """
    return _load(root("v1"), "retail", "v1", RetailToolsV1)


def load_tau2() -> TauDomain:
    """The shop of tau2-bench; its data is read once per process and folder.

    Raises:
        DataMissing: If the data is not on this machine.
        UsageError: If it is not what it should be.
    """
    return _load(root("tau2"), "retail-tau2", "tau2", RetailToolsTau2)
