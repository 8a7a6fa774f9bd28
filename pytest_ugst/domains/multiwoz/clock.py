"""Times of the domain: weekdays, ``HH:MM``, and trains that arrive after midnight."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Time = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]

DAYS: tuple[Day, ...] = get_args(Day)
DAY_MINUTES = 24 * 60


def minutes(time: str) -> int:
    """Return the minutes from midnight; the data has times such as ``24:08`` as well.

    Raises:
        ValueError: If it is no time.
    """
    hours, colon, rest = time.partition(":")
    if not (colon and len(rest) == 2 and hours.isdecimal() and rest.isdecimal() and int(rest) < 60):
        raise ValueError(f"no time: {time!r}")
    return int(hours) * 60 + int(rest)


def clock(total: int) -> str:
    """Return minutes from midnight as ``HH:MM``; whole days are dropped."""
    return f"{total // 60 % 24:02}:{total % 60:02}"
