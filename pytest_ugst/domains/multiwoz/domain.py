"""The domain ``multiwoz``: searches and bookings for visitors of Cambridge."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import unknown
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.goal_data import read_data, wrong_data
from pytest_ugst.domains.multiwoz.bookings import FAILURE_RATE, Availability
from pytest_ugst.domains.multiwoz.clock import Day
from pytest_ugst.domains.multiwoz.database import MultiwozDatabase, read_database
from pytest_ugst.domains.multiwoz.spelling import key
from pytest_ugst.domains.multiwoz.tools import MultiwozTools
from pytest_ugst.domains.overlay import BaseTables
from pytest_ugst.domains.session import DomainSession
from pytest_ugst.domains.toolbox import Toolbox


class MultiwozData(Frozen):
    """The ``data`` that a goal may have for this domain."""

    failure_rate: Annotated[float, Field(ge=0, le=1)] = FAILURE_RATE
    """Share of bookings that are refused as full, drawn from the episode's seed."""
    full: dict[str, tuple[Day, ...]] = Field(default_factory=dict)
    """Days on which a place or train is fully booked whatever the seed, by the place's name or the train's id."""
    bookable: tuple[str, ...] = ()
    """Places and trains that are not fully booked on any other day, whatever the seed."""
    upstream: dict[str, JsonValue] = Field(default_factory=dict)
    """MultiWOZ's own record of the goal; kept, and not used."""


class Multiwoz:
    """The domain ``multiwoz``."""

    name = "multiwoz"

    def __init__(self, folder: Path) -> None:
        """Read the data.

        Args:
            folder: The folder that holds ``db/*.json``.

        Raises:
            UsageError: If a file is missing, cut off, or of an unknown layout.
        """
        self.database: MultiwozDatabase = read_database(folder)
        self._base = BaseTables({"bookings": {}})
        self._toolbox = Toolbox(MultiwozTools)
        self._policy = (resources.files(__package__) / "policy.md").read_text(encoding="utf-8")

    def open(self, goal: Goal, seed: int) -> DomainSession:
        """Start one conversation's private view.

        Raises:
            UsageError: If ``goal.data`` has unknown fields, or names a place or train that is not in the database.
        """
        availability = self._availability(goal, seed) if goal.data else Availability(seed)
        db = self._base.overlay()
        return DomainSession(MultiwozTools(self.database, db, availability), db, self._policy, self._toolbox)

    def _availability(self, goal: Goal, seed: int) -> Availability:
        data = read_data(goal, MultiwozData, self.name)

        def identify(field: str, name: str) -> str:
            """Return the key of a place's name, or a train's id."""
            found = self.database.names.get(key(name))
            if found is not None and found[0] != "attraction":
                return key(name)
            if name.upper() in self._train_ids:
                return name.upper()
            names = [r["name"] for what in ("restaurant", "hotel") for r in self.database.places[what]]
            raise wrong_data(goal, field, unknown("restaurant, hotel or train", name, names))

        full = {identify("full", name): days for name, days in data.full.items()}
        bookable = frozenset(identify("bookable", name) for name in data.bookable)
        return Availability(seed, data.failure_rate, full, bookable)

    @property
    def _train_ids(self) -> frozenset[str]:
        return _train_ids(self.database)


@cache
def _train_ids(database: MultiwozDatabase) -> frozenset[str]:
    return frozenset(t["id"] for routes in database.trains.values() for trains in routes.values() for t in trains)


def load(data_dirs: DataLocator = USUAL_PLACES) -> Multiwoz:
    """Return the domain over the data folder that is in use; its files are read at the first call in a process.

    Raises:
        DataMissingError: If there is no data set; with the two ways to get it.
    """
    return _of_folder(data_dirs.locate("multiwoz"))


@cache
def _of_folder(folder: Path) -> Multiwoz:
    return Multiwoz(folder)
