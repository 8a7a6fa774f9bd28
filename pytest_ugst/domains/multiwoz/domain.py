"""The domain ``multiwoz``: a desk that helps visitors of Cambridge."""

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
from pytest_ugst.domains.multiwoz.spelling import key
from pytest_ugst.domains.multiwoz.tools import MultiwozTools
from pytest_ugst.domains.multiwoz.town import Town, read_town
from pytest_ugst.domains.overlay import BaseTables
from pytest_ugst.domains.session import DomainSession
from pytest_ugst.domains.toolbox import Toolbox


class MultiwozData(Frozen):
    """What a goal's ``data`` may hold for this domain."""

    failure_rate: Annotated[float, Field(ge=0, le=1)] = FAILURE_RATE
    """The share of bookings that can't be had, by the episode's seed."""
    full: dict[str, tuple[Day, ...]] = Field(default_factory=dict)
    """By a place's name or a train's id, days on which it is fully booked whatever the seed."""
    bookable: tuple[str, ...] = ()
    """Places and trains that are not fully booked on any other day, whatever the seed."""
    upstream: dict[str, JsonValue] = Field(default_factory=dict)
    """What MultiWOZ itself says about the goal; kept, and not looked at."""


class Multiwoz:
    """The domain ``multiwoz``."""

    name = "multiwoz"

    def __init__(self, folder: Path) -> None:
        """Read the data.

        Args:
            folder: Holds ``db/*.json``.

        Raises:
            UsageError: If a file is missing, cut off, or of an unknown layout.
        """
        self.town: Town = read_town(folder)
        self._base = BaseTables({"bookings": {}})
        self._toolbox = Toolbox(MultiwozTools)
        self._policy = (resources.files(__package__) / "policy.md").read_text(encoding="utf-8")

    def open(self, goal: Goal, seed: int) -> DomainSession:
        """Start one conversation's private view.

        Raises:
            UsageError: If ``goal.data`` holds what the town does not know.
        """
        availability = self._availability(goal, seed) if goal.data else Availability(seed)
        db = self._base.overlay()
        return DomainSession(MultiwozTools(self.town, db, availability), db, self._policy, self._toolbox)

    def _availability(self, goal: Goal, seed: int) -> Availability:
        data = read_data(goal, MultiwozData, self.name)

        def which(field: str, name: str) -> str:
            found = self.town.names.get(key(name))
            if found is not None and found[0] != "attraction":
                return key(name)
            if name.upper() in self._train_ids:
                return name.upper()
            names = [r["name"] for what in ("restaurant", "hotel") for r in self.town.places[what]]
            raise wrong_data(goal, field, unknown("restaurant, hotel or train", name, names))

        full = {which("full", name): days for name, days in data.full.items()}
        bookable = frozenset(which("bookable", name) for name in data.bookable)
        return Availability(seed, data.failure_rate, full, bookable)

    @property
    def _train_ids(self) -> frozenset[str]:
        return _train_ids(self.town)


@cache
def _train_ids(town: Town) -> frozenset[str]:
    return frozenset(t["id"] for routes in town.trains.values() for trains in routes.values() for t in trains)


def load(data_dirs: DataLocator = USUAL_PLACES) -> Multiwoz:
    """The domain, over the data folder that is in use; its files are read at the first call in a process.

    Raises:
        DataMissingError: With the two ways to get the data.
    """
    return _over(data_dirs.locate("multiwoz"))


@cache
def _over(folder: Path) -> Multiwoz:
    return Multiwoz(folder)
