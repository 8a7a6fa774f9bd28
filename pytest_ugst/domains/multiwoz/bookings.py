"""Whether a booking can be had, and its reference number. MultiWOZ has no table of bookings: both are made up.

They come from the episode's seed and from the booking itself, never from what was asked before it: the same booking
gets the same answer however often and in whatever order it is tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FAILURE_RATE: Final = 0.1
"""The share of bookings (of a place or train, on a day, at a time) that can't be had, unless a goal says otherwise."""

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without those that look alike


@dataclass(frozen=True, slots=True)
class Availability:
    """What is fully booked in one conversation."""

    seed: int
    rate: float = FAILURE_RATE
    full: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By key of a place's name or by train id, the days on which it is full in any case."""
    bookable: frozenset[str] = frozenset()
    """Keys and ids that are not full on any other day."""

    def has_room(self, what: str, which: str, day: str, time: str = "") -> bool:
        """Whether there is room.

        Args:
            what: restaurant, hotel or train.
            which: Key of the name, or train id.
            day: Day of the week.
            time: ``HH:MM``, where the booking is for a time.
        """
        if day in self.full.get(which, ()):
            return False
        return which in self.bookable or _draw(f"{self.seed}|room|{what}|{which}|{day}|{time}") >= self.rate


def _draw(text: str) -> float:
    """A number from 0 up to 1 that only depends on the text, on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big") / 2**56


def made_up(text: str, letters: str, length: int) -> str:
    """Letters that only depend on the text."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    made = ""
    for _ in range(length):
        number, at = divmod(number, len(letters))
        made += letters[at]
    return made


def reference(seed: int, booking: str, again: int) -> str:
    """A reference number such as ``MW-7F3K2``.

    Args:
        seed: The episode's.
        booking: All that is booked, as text.
        again: How often the same number was taken already.
    """
    return f"MW-{made_up(f'{seed}|reference|{booking}|{again}', _LETTERS, 5)}"
