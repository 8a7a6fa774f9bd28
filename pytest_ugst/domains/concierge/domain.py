"""The domain ``concierge``: its goals' data, and the sessions that it opens."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import unknown
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.concierge.clock import Day, Time
from pytest_ugst.domains.concierge.data import PLACE_TABLES, base, place_key
from pytest_ugst.domains.concierge.tools import MAX_NIGHTS, ConciergeTools
from pytest_ugst.domains.goal_data import read_data, wrong_data
from pytest_ugst.domains.overlay import Overlay
from pytest_ugst.domains.session import DomainSession
from pytest_ugst.domains.toolbox import Toolbox

Reference = Annotated[str, Field(pattern=r"^CQ-[0-9A-Z]{5}$")]
People = Annotated[int, Field(ge=1)]


class _Placed(Frozen):
    """Common fields of bookings at a place."""

    reference: Reference
    name: str
    day: Day
    people: People


class RestaurantBooking(_Placed):
    """A table the user already has."""

    kind: Literal["restaurant"]
    time: Time


class HotelBooking(_Placed):
    """A stay the user has booked already."""

    kind: Literal["hotel"]
    nights: Annotated[int, Field(ge=1, le=MAX_NIGHTS)]


class AttractionBooking(_Placed):
    """Tickets the user already has."""

    kind: Literal["attraction"]


class TrainBooking(Frozen):
    """Seats on a train the user already has."""

    reference: Reference
    kind: Literal["train"]
    train_id: str
    people: People


Booking = Annotated[
    RestaurantBooking | HotelBooking | AttractionBooking | TrainBooking,
    Field(discriminator="kind"),
]


class ConciergeData(Frozen):
    """The ``data`` that a goal may have for this domain."""

    bookings: tuple[Booking, ...] = ()
    """Bookings that the user already has."""
    full: dict[str, tuple[Day, ...]] = Field(default_factory=dict)
    """Days on which a place is fully booked, by its name, in addition to those in the data."""


class Concierge:
    """The domain ``concierge``."""

    name = "concierge"

    def __init__(self) -> None:
        """Read data and policy, and compile the tools."""
        self._base = base()
        self._toolbox = Toolbox(ConciergeTools)
        policy = resources.files(__package__) / "policy.md"
        self._policy = policy.read_text(encoding="utf-8")

    def open(self, goal: Goal, seed: int) -> DomainSession:
        """Start one conversation's private view.

        Raises:
            UsageError: If ``goal.data`` has unknown fields, or names a place or train that is not in the data.
        """
        db = self._base.overlay()
        if goal.data:
            _prepare(db, goal)
        return DomainSession(ConciergeTools(db, seed), db, self._policy, self._toolbox)


@cache
def load() -> Concierge:
    """Return the domain; its data is read at the first call in a process."""
    return Concierge()


def _prepare(db: Overlay, goal: Goal) -> None:
    """Put the goal's ``data`` into the session's view."""
    data = read_data(goal, ConciergeData, Concierge.name)
    for name, days in data.full.items():
        table = next((t for t in PLACE_TABLES if place_key(name) in db[t]), None)
        if table is None:
            raise wrong_data(goal, "full", unknown("place", name, _names(db, *PLACE_TABLES)))
        record = db[table].edit(place_key(name))
        record["full"] += [day for day in days if day not in record["full"]]
    for i, booking in enumerate(data.bookings):
        record = booking.model_dump()
        if isinstance(booking, TrainBooking):
            if booking.train_id not in db["trains"]:
                raise wrong_data(goal, f"bookings.{i}.train_id", unknown("train", booking.train_id, db["trains"]))
        else:
            place = db[f"{booking.kind}s"].get(place_key(booking.name))
            if place is None:
                raise wrong_data(
                    goal, f"bookings.{i}.name", unknown(booking.kind, booking.name, _names(db, f"{booking.kind}s"))
                )
            record["name"] = place["name"]
        if booking.reference in db["bookings"]:
            raise wrong_data(goal, f"bookings.{i}.reference", f"{booking.reference} occurs twice")
        db["bookings"].add(booking.reference, record)


def _names(db: Overlay, *tables: str) -> list[str]:
    return [record["name"] for table in tables for record in db[table].values()]
