"""Usage of model calls, summed per episode (by context variable) and over the run."""

from __future__ import annotations

from contextvars import ContextVar

from pytest_ugst.core.usage import Usage

_FIELDS = tuple(Usage.model_fields)


class Meter:
    """The sum of usage per role. Written by one thread, readable from any."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        """Start at zero."""
        self._sums: dict[str, list[float]] = {}

    def add(self, role: str, usage: Usage) -> None:
        """Add usage to the sum of a role."""
        sums = self._sums.get(role)
        if sums is None:
            sums = self._sums.setdefault(role, [0] * len(_FIELDS))
        # Written out in the order of the fields: this runs for every call, and Usage.__add__ makes a new object.
        sums[0] += usage.calls
        sums[1] += usage.cache_hits
        sums[2] += usage.retries
        sums[3] += usage.prompt_tokens
        sums[4] += usage.cached_tokens
        sums[5] += usage.completion_tokens
        sums[6] += usage.seconds
        sums[7] += usage.cost

    def by_role(self) -> dict[str, Usage]:
        """Return the sums so far, by role."""
        return {role: _usage(sums) for role, sums in sorted(self._sums.copy().items())}

    def total(self) -> Usage:
        """Return the sum so far over all roles."""
        rows = list(self._sums.copy().values())
        return _usage([sum(column) for column in zip(*rows, strict=True)] if rows else [0] * len(_FIELDS))


def _usage(sums: list[float]) -> Usage:
    return Usage.model_validate(dict(zip(_FIELDS, sums, strict=True)))


meter: ContextVar[Meter | None] = ContextVar("ugst_meter", default=None)
"""The meter that counts the calls of the current task (and of tasks it starts), beside the run's totals."""

nonce: ContextVar[str] = ContextVar("ugst_nonce", default="")
"""Part of the cache key of the simulator's and agent's calls, so that trials of one goal sample independently."""


def begin_episode(trial: str = "") -> Meter:
    """Count the calls of the current task from here on with a meter of its own.

    Call it at the start of the episode's own task; tasks started from it inherit meter and trial.

    Args:
        trial: The name of the trial; calls with different names never share a cached answer.

    Returns:
        The episode's meter.
    """
    fresh = Meter()
    meter.set(fresh)
    nonce.set(trial)
    return fresh
