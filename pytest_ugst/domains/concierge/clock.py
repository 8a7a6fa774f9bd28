"""Times of the domain: weekdays, ``HH:MM``, and today's weekday."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Time = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]

DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

TODAY: Day = "monday"
"""The domain's current day in every session. The days of the week all mean the week that begins today."""
