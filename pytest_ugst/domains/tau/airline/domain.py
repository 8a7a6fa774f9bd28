"""The domains ``airline`` (tau-bench) and ``airline-tau2`` (tau2-bench)."""

from __future__ import annotations

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.tau.airline.search import Routes
from pytest_ugst.domains.tau.airline.tools import AirlineToolsTau2, AirlineToolsV1
from pytest_ugst.domains.tau.files import Layout
from pytest_ugst.domains.tau.loader import TauDomainLoader
from pytest_ugst.domains.tau.session import TauDomain

LAYOUT: Layout = {
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

LOADER = TauDomainLoader("airline", LAYOUT, lambda tables: {"routes": Routes(tables["flights"])})


def load(data_dirs: DataLocator = USUAL_PLACES) -> TauDomain:
    """Return the airline domain of tau-bench; its data is read once per process and folder.

    Raises:
        DataMissingError: If the data is not on this machine.
        UsageError: If a file is missing, truncated or of another layout.
    """
    return LOADER.load("v1", AirlineToolsV1, data_dirs)


def load_tau2(data_dirs: DataLocator = USUAL_PLACES) -> TauDomain:
    """Return the airline domain of tau2-bench; its data is read once per process and folder.

    Raises:
        DataMissingError: If the data is not on this machine.
        UsageError: If a file is missing, truncated or of another layout.
    """
    return LOADER.load("tau2", AirlineToolsTau2, data_dirs)
