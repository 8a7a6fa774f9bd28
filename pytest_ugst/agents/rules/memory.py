"""The rule-based agent's memory of one conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Task:
    """A task the user set: something to find and perhaps book, or a booking to look up, change or cancel."""

    kind: str
    """restaurant, hotel, attraction, train."""
    action: str = "search"
    """search, change, cancel or lookup."""
    constraints: dict[str, Any] = field(default_factory=dict)
    """Constraints to search by."""
    latest_constraints: dict[str, Any] = field(default_factory=dict)
    """The constraints of the last change of mind alone."""
    booking: dict[str, Any] = field(default_factory=dict)
    """Day, time, people, nights; for a change, what becomes different."""
    increments: dict[str, int] = field(default_factory=dict)
    """Numbers to add to those of a booking; for a change only."""
    searched: dict[str, Any] | None = None
    """The constraints of the last search."""
    results: list[dict[str, Any]] = field(default_factory=list)
    """The records of the last search."""
    count: int = 0
    """How many records matched the last search; ``results`` may hold fewer."""
    rejected: list[str] = field(default_factory=list)
    """Places and trains the user turned down."""
    excluded: set[tuple[str, Any]] = field(default_factory=set)
    """Slots with values the user does not want."""
    departure: str | None = None
    """The time of departure the user picked."""
    offer: str | None = None
    """The place or train under discussion."""
    second_offer: str | None = None
    """Another one that was offered beside it."""
    named: bool = False
    """Set if the user named the offer."""
    accepted: bool = False
    """Set if the user said yes to the offer."""
    book: bool | None = None
    """Whether the user wants a booking; None where they have not said."""
    requests: list[str] = field(default_factory=list)
    """Facts the user wants and has not got."""
    mentioned: set[str] = field(default_factory=set)
    """What was said already about the offer: ``question``, ``about NAME``."""
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Details by name, once looked up."""
    reference: str | None = None
    """The reference of the booking, once there is one."""
    open_ended: bool = False
    """Set if the user has no (more) constraints to narrow the search by."""
    confirm_first: bool = False
    """Set if the details are to be repeated, and a question asked, before booking."""
    settled: bool = False
    """Set if nothing is left to do, unless the user comes back to it."""

    def reject_offer(self) -> None:
        """Turn the offer down."""
        if self.offer:
            self.rejected.append(self.offer)
        self.offer = None
        self.named = self.accepted = False


@dataclass(slots=True)
class Memory:
    """The state of one conversation."""

    tasks: list[Task] = field(default_factory=list)
    current: Task | None = None
    requested: tuple[str, ...] = ()
    """What the last answer asked for: slot names, ``offer``, ``constraint``, ``drop``, ``reference``, ``change``."""
    bookings: list[dict[str, Any]] = field(default_factory=list)
    """Bookings made or looked up, as the tools returned them."""
    turns: int = 0
    """Number of answers, with the one under way."""
    calls: int = 0
    """Number of tool calls."""


@dataclass(slots=True)
class TaskUpdates:
    """The tasks that one utterance updates."""

    touched: list[Task] = field(default_factory=list)
    """Tasks the utterance is about, in the order it names them."""
    closed: list[Task] = field(default_factory=list)
    """Those among them that are settled with it."""

    def close(self, task: Task) -> None:
        """Note that the utterance settles a task."""
        self.closed.append(task)
        self.touched.append(task)
