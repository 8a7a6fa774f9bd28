"""Decisions on the differences of columns, given the drops that are allowed."""

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
"""Statistical power, in percent, at which the number of goals to detect a drop is computed."""
_POWER_Z = NormalDist().inv_cdf(POWER / 100)
_ROUNDING = 1e-9  # points
_MOST_GOALS = 1_000_000  # a larger number is not worth naming


class GateDecision(StrEnum):
    """The decision on a column."""

    REGRESSION = "regression"
    """A drop larger than the margin: the interval lies below zero, and the difference below -margin."""
    IMPROVEMENT = "improvement"
    """The interval lies above zero, and reaches beyond the margin."""
    EQUIVALENT = "equivalent"
    """The interval lies within the margin to both sides."""
    NO_WORSE = "no worse"
    """The interval lies above -margin, and reaches from a loss within the margin to a gain beyond it."""
    INCONCLUSIVE = "inconclusive"
    """A drop beyond the margin is neither shown nor ruled out."""


class ColumnDecision(Frozen):
    """The decision on a column with the numbers it rests on."""

    column: str
    """Name of the column."""
    margin: float
    """Points that the column may drop."""
    verdict: GateDecision
    """The decision."""
    difference: Difference
    """Difference between the new run and the baseline."""
    needed: int | None = None
    """Number of goals that would settle an inconclusive column; None if no number is worth naming.

    With so many goals a drop of ``size`` would be distinguished in 9 of 10 cases from no drop, or from a smaller one
    where a drop is certain.
    """
    size: float | None = None
    """Points, for an inconclusive column: the drop that was seen, or the margin where that is larger."""


class Comparison(Frozen):
    """The comparison of a run with a baseline."""

    base: str
    """The baseline as the user named it."""
    base_run: str = ""
    """Name of the run that the baseline was made from."""
    run: str
    """Name of the run that was compared with it."""
    goals: int
    """Number of goals that were compared."""
    findings: tuple[ColumnDecision, ...] = ()
    """Decisions on the columns with a margin, in the order of the columns."""
    others: dict[str, Difference] = Field(default_factory=dict)
    """Differences of the other columns, which have no interval and no decision."""
    notes: tuple[str, ...] = ()
    """Notes on how to read the numbers."""
    refused: str = ""
    """Reason why nothing was compared; empty otherwise."""

    def of(self, *verdicts: GateDecision) -> list[ColumnDecision]:
        """Return the findings with any of these decisions."""
        return [one for one in self.findings if one.verdict in verdicts]


def parse_margins(text: str, option: str = "--ugst-max-drop") -> dict[str, float]:
    """Read the value of ``--ugst-max-drop``: points by column.

    Args:
        text: ``5`` for every column; ``avg=2,policy=5`` for these two and no other; ``10,avg=5`` for all, one of them
            with its own.
        option: Name of the option, for messages.

    Raises:
        UsageError: If the text can't be read.
    """
    given = parse_columns(option, text, alone="", unit="point")
    rest = given.pop("", None)
    if rest is None:
        return {name: given[name] for name in COLUMNS if name in given}
    return {name: given.get(name, rest) for name in COLUMNS}


def decide(found: Differences, margins: dict[str, float]) -> list[ColumnDecision]:
    """Return the decisions on the columns that have a margin.

    Args:
        found: Differences with intervals for these columns.
        margins: Points by column. Where all columns have a margin, columns without data are left out.
    """
    all_named = len(margins) == len(COLUMNS) and any(one.goals for one in found.columns.values())
    return [
        _decide_column(name, found, margin)
        for name, margin in margins.items()
        if found.columns[name].goals or not all_named
    ]


def _decide_column(name: str, found: Differences, margin: float) -> ColumnDecision:
    """Return the decision on one column."""
    one = found.columns[name]
    value, low, high = one.value, one.low, one.high
    if value is None or low is None or high is None:
        least = margin if value is None else max(margin, -value)
        return ColumnDecision(
            column=name,
            margin=margin,
            verdict=GateDecision.INCONCLUSIVE,
            difference=one,
            needed=_goals_for_interval(one, found),
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
        # The drop is certain; the distance to the margin decides how many goals show on which side of it the drop lies.
        size = margin
        distance = value + margin
        needed = _goals_to_narrow(found.goals, (high - value) / distance) if distance > _ROUNDING else None
    else:
        size = max(margin, -value)
        visible = detectable_drop(one, found)
        needed = _goals_to_narrow(found.goals, visible / size) if size and visible else None
    return ColumnDecision(column=name, margin=margin, verdict=verdict, difference=one, needed=needed, size=size)


def detectable_drop(one: Difference, found: Differences) -> float | None:
    """Return the smallest drop, in points, that as many goals show in 9 of 10 cases; None without an interval."""
    if one.low is None or one.error is None or found.factor is None:
        return None
    return (found.factor + _POWER_Z) * one.error


def _goals_to_narrow(goals: int, wider: float) -> int | None:
    """Return the number of goals at which an interval is ``wider`` times narrower; None if not worth naming."""
    needed = goals * wider**2
    return max(goals + 1, math.ceil(needed)) if needed < _MOST_GOALS else None


def _goals_for_interval(one: Difference, found: Differences) -> int | None:
    """Return the number of goals at which there would be an interval at all."""
    return math.ceil(found.goals * MIN_GOALS / one.goals) if one.goals else None
