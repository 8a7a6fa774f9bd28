"""The domains ``retail`` (tau-bench) and ``retail-tau2`` (tau2-bench)."""

from __future__ import annotations

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.tau.files import Layout
from pytest_ugst.domains.tau.loader import TauDomainLoader
from pytest_ugst.domains.tau.retail.directory import Directory
from pytest_ugst.domains.tau.retail.tools import RetailToolsTau2, RetailToolsV1
from pytest_ugst.domains.tau.session import TauDomain

LAYOUT: Layout = {
    "orders": {"user_id": str, "status": str, "items": list, "payment_history": list, "address": dict},
    "products": {"name": str, "product_id": str, "variants": dict},
    "users": {"name": dict, "email": str, "address": dict, "payment_methods": dict},
}

LOADER = TauDomainLoader("retail", LAYOUT, lambda tables: {"directory": Directory(tables["users"], tables["products"])})


def load(data_dirs: DataLocator = USUAL_PLACES) -> TauDomain:
    """Return the retail domain of tau-bench; its data is read once per process and folder.

    Raises:
        DataMissingError: If the data is not on this machine.
        UsageError: If a file is missing, truncated or of another layout.
    """
    return LOADER.load("v1", RetailToolsV1, data_dirs)


def load_tau2(data_dirs: DataLocator = USUAL_PLACES) -> TauDomain:
    """Return the retail domain of tau2-bench; its data is read once per process and folder.

    Raises:
        DataMissingError: If the data is not on this machine.
        UsageError: If a file is missing, truncated or of another layout.
    """
    return LOADER.load("tau2", RetailToolsTau2, data_dirs)
