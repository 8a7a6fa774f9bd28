"""Time in Quillhaven: weekdays, ``HH:MM``, and a clock that stands still."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Time = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]

DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

TODAY: Day = "monday"
"""The domain's day, in every session."""
NOW: Time = "09:00"
"""The domain's time of day. The days of the week all mean the week that begins today."""


def is_open(opens: str, closes: str, time: str) -> bool:
    """Whether ``time`` lies within opening hours; a closing time before the opening time is after midnight."""
    return opens <= time < closes if opens < closes else time >= opens or time < closes


def is_past(day: str, time: str) -> bool:
    """Whether the domain's clock has passed that time."""
    return day == TODAY and time < NOW
