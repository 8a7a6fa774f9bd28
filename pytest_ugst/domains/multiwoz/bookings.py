"""Availability and reference numbers of bookings. MultiWOZ has no table of bookings, so both are drawn.

They depend on the episode's seed and on the booking itself, never on earlier calls: the same booking gets the same
answer however often and in whatever order it is tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FAILURE_RATE: Final = 0.1
"""Share of bookings (of a place or train, on a day, at a time) that are refused as full, unless a goal sets its own."""

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without those that look alike


@dataclass(frozen=True, slots=True)
class Availability:
    """Availability of places and trains in one conversation."""

    seed: int
    """The episode's seed."""
    rate: float = FAILURE_RATE
    """Share of bookings that are refused as full."""
    full: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Days on which a place or train is full in any case, by key of the place's name or by train id."""
    bookable: frozenset[str] = frozenset()
    """Keys and train ids that are not full on any other day."""

    def has_room(self, what: str, which: str, day: str, time: str = "") -> bool:
        """Return whether there is room.

        Args:
            what: ``restaurant``, ``hotel`` or ``train``.
            which: Key of the place's name, or train id.
            day: Day of the week.
            time: ``HH:MM``, where the booking is for a time.
        """
        if day in self.full.get(which, ()):
            return False
        return which in self.bookable or _draw(f"{self.seed}|room|{what}|{which}|{day}|{time}") >= self.rate


def _draw(text: str) -> float:
    """Return a number from 0 up to 1 that depends on the text alone, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") / 2**56


def drawn_letters(text: str, letters: str, length: int) -> str:
    """Return letters that depend on the text alone.

    Args:
        text: What to draw them from.
        letters: The letters to choose from.
        length: The number of letters.
    """
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    drawn = ""
    for _ in range(length):
        number, at = divmod(number, len(letters))
        drawn += letters[at]
    return drawn


def reference(seed: int, booking: str, again: int) -> str:
    """Return a reference number such as ``MW-7F3K2``.

    Args:
        seed: The episode's seed.
        booking: The whole booking, as text.
        again: Number of references of the same booking that were taken already.
    """
    return f"MW-{drawn_letters(f'{seed}|reference|{booking}|{again}', _LETTERS, 5)}"
