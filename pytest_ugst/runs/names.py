"""The names of runs, in a light module: under pytest-xdist every session has one, even without any goal."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_name(now: datetime | None = None) -> str:
    """Return a name for a run: the time of its start to the millisecond, and a random suffix.

    Names sort in the order in which runs started, even if several start in a second.

    Args:
        now: The time of the start; the present unless given.
    """
    start = now or datetime.now(UTC)
    return f"{start:%Y-%m-%dT%H-%M-%S}-{start.microsecond // 1000:03d}-{secrets.token_hex(2)}"
