"""The domains ``airline`` (tau-bench) and ``airline-tau2`` (tau2-bench)."""

from __future__ import annotations

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.tau.airline.search import Routes
from pytest_ugst.domains.tau.airline.tools import AirlineToolsTau2, AirlineToolsV1
from pytest_ugst.domains.tau.files import Shape
from pytest_ugst.domains.tau.kind import TauDomainLoader
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

KIND = TauDomainLoader("airline", SHAPE, lambda tables: {"routes": Routes(tables["flights"])})


def load(data_dirs: DataLocator = USUAL_PLACES) -> TauDomain:
    """The airline of tau-bench; its data is read once per process and folder.

    Raises:
        DataMissingError: If the data is not on this machine.
        UsageError: If it is not what it should be.
    """
    return KIND.load("v1", AirlineToolsV1, data_dirs)


def load_tau2(data_dirs: DataLocator = USUAL_PLACES) -> TauDomain:
    """The airline of tau2-bench; its data is read once per process and folder.

    Raises:
        DataMissingError: If the data is not on this machine.
        UsageError: If it is not what it should be.
    """
    return KIND.load("tau2", AirlineToolsTau2, data_dirs)
