"""The names of runs, apart from all else: under pytest-xdist every session has one, also those without any goal."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_name(now: datetime | None = None) -> str:
    """A name for a run: when it began, to the millisecond, and something to tell runs of the same one apart.

    Names sort as runs began, also where a quick simulator plays several in a second.
    """
    began = now or datetime.now(UTC)
    return f"{began:%Y-%m-%dT%H-%M-%S}-{began.microsecond // 1000:03d}-{secrets.token_hex(2)}"
