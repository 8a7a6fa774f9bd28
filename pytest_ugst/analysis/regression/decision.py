"""What the difference of a column comes to, given how much it may drop."""

from __future__ import annotations

import math
from enum import StrEnum
from statistics import NormalDist
from typing import Final

from pydantic import Field

from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.stats.paired import MIN_GOALS, Difference, Differences
from pytest_ugst.analysis.success.gate import parse_columns
from pytest_ugst.core.base import Frozen

POWER: Final = 90.0
"""Percent of the cases in which the number of goals that is named would show a drop."""
_POWER_Z = NormalDist().inv_cdf(POWER / 100)
_ROUNDING = 1e-9  # points
_MOST = 1_000_000  # goals worth naming


class GateDecision(StrEnum):
    """Of one column."""

    REGRESSION = "regression"
    """There is a drop, and it is larger than the margin: the interval lies below zero, the difference below -margin."""
    IMPROVEMENT = "improvement"
    """The interval lies above zero, and reaches beyond the margin."""
    EQUIVALENT = "equivalent"
    """The interval lies within the margin to both sides."""
    NO_WORSE = "no worse"
    """The interval lies above -margin, and reaches from a small loss to more than a small gain."""
    INCONCLUSIVE = "inconclusive"
    """A drop beyond the margin is neither shown nor ruled out."""


class ColumnDecision(Frozen):
    """A column's verdict."""

    column: str
    margin: float
    """Points that it may drop."""
    verdict: GateDecision
    difference: Difference
    needed: int | None = None
    """Where inconclusive: goals at which a drop of ``size`` would be told from none in 9 of 10 cases, or from a smaller
    one where there is a drop for certain; None if there is no number worth naming."""
    size: float | None = None
    """Where inconclusive, points: the drop that was seen, and the margin where that is more."""


class Comparison(Frozen):
    """All columns' verdicts on a run that was held against a baseline."""

    base: str
    """What the baseline was called."""
    base_run: str = ""
    """The run that it was made of."""
    run: str
    """The run that was held against it."""
    goals: int
    """Goals that were compared."""
    findings: tuple[ColumnDecision, ...] = ()
    """In the order of the columns; those that were asked for."""
    others: dict[str, Difference] = Field(default_factory=dict)
    """Columns that were not asked for, which have no interval and no verdict."""
    notes: tuple[str, ...] = ()
    """What the numbers do not say, a sentence each."""
    refused: str = ""
    """Why nothing was compared."""

    def of(self, *verdicts: GateDecision) -> list[ColumnDecision]:
        """The findings with these verdicts."""
        return [one for one in self.findings if one.verdict in verdicts]


def parse_margins(text: str, option: str = "--ugst-max-drop") -> dict[str, float]:
    """Read the value of ``--ugst-max-drop``: points by column.

    Args:
        text: ``5`` for every column; ``avg=2,policy=5`` for these two and no other; ``10,avg=5`` for all, one of them
            with its own.
        option: For messages.

    Raises:
        UsageError: If it is anything else.
    """
    given = parse_columns(option, text, alone="", unit="point")
    rest = given.pop("", None)
    if rest is None:
        return {name: given[name] for name in COLUMNS if name in given}
    return {name: given.get(name, rest) for name in COLUMNS}


def decide(found: Differences, margins: dict[str, float]) -> list[ColumnDecision]:
    """The verdicts on the columns that have a margin.

    Args:
        found: With intervals for these columns.
        margins: Points by column. Where all columns have one, those without data are left out.
    """
    all_named = len(margins) == len(COLUMNS) and any(one.goals for one in found.columns.values())
    return [
        _judge(name, found, margin) for name, margin in margins.items() if found.columns[name].goals or not all_named
    ]


def _judge(name: str, found: Differences, margin: float) -> ColumnDecision:
    one = found.columns[name]
    value, low, high = one.value, one.low, one.high
    if value is None or low is None or high is None:
        least = margin if value is None else max(margin, -value)
        return ColumnDecision(
            column=name,
            margin=margin,
            verdict=GateDecision.INCONCLUSIVE,
            difference=one,
            needed=_enough(one, found),
            size=least,
        )
    verdict = GateDecision.INCONCLUSIVE
    needed: int | None = None
    size: float | None = None
    if -margin < low and high < margin:
        verdict = GateDecision.EQUIVALENT
    elif low > 0:
        verdict = GateDecision.IMPROVEMENT
    elif low > -margin:
        verdict = GateDecision.NO_WORSE
    elif high < 0 and value < -margin - _ROUNDING:
        verdict = GateDecision.REGRESSION
    elif high < 0:
        # Lower it is for certain; how near the margin is decides how many goals it takes to tell on which side it lies.
        size = margin
        needed = _more(found.goals, (high - value) / (value + margin)) if value > -margin + _ROUNDING else None
    else:
        size = max(margin, -value)
        visible = detectable_drop(one, found)
        needed = _more(found.goals, visible / size) if size and visible else None
    return ColumnDecision(column=name, margin=margin, verdict=verdict, difference=one, needed=needed, size=size)


def detectable_drop(one: Difference, found: Differences) -> float | None:
    """The smallest drop, in points, that would show in 9 of 10 cases with as many goals; None without an interval."""
    if one.low is None or one.error is None or found.factor is None:
        return None
    return (found.factor + _POWER_Z) * one.error


def _more(goals: int, wider: float) -> int | None:
    """Goals at which an interval is ``wider`` times narrower; None if no number worth naming."""
    needed = goals * wider**2
    return max(goals + 1, math.ceil(needed)) if needed < _MOST else None


def _enough(one: Difference, found: Differences) -> int | None:
    """Goals at which there would be an interval at all."""
    return math.ceil(found.goals * MIN_GOALS / one.goals) if one.goals else None
