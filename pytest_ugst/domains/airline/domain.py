"""The domains ``airline`` (tau-bench) and ``airline-tau2`` (tau2-bench)."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from pytest_ugst.domains.airline.search import Routes
from pytest_ugst.domains.airline.tools import AirlineTools, AirlineToolsTau2, AirlineToolsV1
from pytest_ugst.domains.overlay import Base
from pytest_ugst.domains.tau.files import Edition, Shape, read, root
from pytest_ugst.domains.tau.session import TauDomain

SHAPE: Shape = {
    "flights": {
        "flight_number": str,
        "origin": str,
        "destination": str,
        "scheduled_departure_time_est": str,
        "scheduled_arrival_time_est": str,
        "dates": dict,
    },
    "reservations": {
        "user_id": str,
        "cabin": str,
        "flights": list,
        "passengers": list,
        "payment_history": list,
        "nonfree_baggages": int,
    },
    "users": {"payment_methods": dict, "reservations": list},
}


@cache
def _load(folder: Path, name: str, edition: Edition, owner: type[AirlineTools]) -> TauDomain:
    files = read(folder, "airline", edition, SHAPE)
    make = partial(owner, routes=Routes(files.tables["flights"]))
    return TauDomain(name, "airline", Base(files.tables), files.policy, owner, make)


def load() -> TauDomain:
    """The airline of tau-bench; its data is read once per process and folder.

    Raises:
        DataMissing: If the data is not on this machine.
        UsageError: If it is not what it should be.
    """
    return _load(root("v1"), "airline", "v1", AirlineToolsV1)


def load_tau2() -> TauDomain:
    """The airline of tau2-bench; its data is read once per process and folder.

    Raises:
        DataMissing: If the data is not on this machine.
        UsageError: If it is not what it should be.
    """
    return _load(root("tau2"), "airline-tau2", "tau2", AirlineToolsTau2)
