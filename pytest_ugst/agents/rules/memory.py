"""What the rule-based agent remembers of one conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Task:
    """One thing the user wants: something found and perhaps booked, or a booking looked up, changed or cancelled."""

    kind: str
    """restaurant, hotel, attraction, train."""
    action: str = "search"
    """search, change, cancel or lookup."""
    wishes: dict[str, Any] = field(default_factory=dict)
    """What to search by."""
    fresh: dict[str, Any] = field(default_factory=dict)
    """The wishes of the last change of mind alone."""
    booking: dict[str, Any] = field(default_factory=dict)
    """Day, time, people, nights; for a change, what becomes different."""
    more: dict[str, int] = field(default_factory=dict)
    """For a change, what is to be added to the numbers."""
    searched: dict[str, Any] | None = None
    """The wishes of the last search."""
    results: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    passed: list[str] = field(default_factory=list)
    """Places and trains the user turned down."""
    refused: set[tuple[str, Any]] = field(default_factory=set)
    """Values the user does not want."""
    at: str | None = None
    """The departure the user picked."""
    offer: str | None = None
    """The place or train under discussion."""
    second: str | None = None
    """Another one that was named beside it."""
    named: bool = False
    """Whether the user named it."""
    accepted: bool = False
    """Whether the user said yes to it."""
    book: bool | None = None
    """Whether the user wants a booking; None where they have not said."""
    asks: list[str] = field(default_factory=list)
    """Facts the user wants and has not got."""
    told: set[str] = field(default_factory=set)
    """What was said already about the offer: ``question``, ``about NAME``."""
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Details by name, once looked up."""
    reference: str | None = None
    open_ended: bool = False
    """Whether the user has no (more) wishes to narrow the search by."""
    reread: bool = False
    """Whether to repeat the details and ask before booking."""
    settled: bool = False
    """Nothing left to do, unless the user comes back to it."""

    def pass_over(self) -> None:
        """The offer won't do."""
        if self.offer:
            self.passed.append(self.offer)
        self.offer = None
        self.named = self.accepted = False


@dataclass(slots=True)
class Memory:
    """One conversation."""

    tasks: list[Task] = field(default_factory=list)
    current: Task | None = None
    asked: tuple[str, ...] = ()
    """What the last answer asked for: slot names, ``offer``, ``wish``, ``reference``, ``change``."""
    bookings: list[dict[str, Any]] = field(default_factory=list)
    """Bookings made or looked up, as the tools returned them."""
    turns: int = 0
    calls: int = 0
