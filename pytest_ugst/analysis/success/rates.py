"""Success rates, computed from the goal states of many episodes as in the paper's tables.

Rates are pooled: of all sub-components of a category in a run, the percentage that ended as a success. Avg is the plain
mean of the rates of the categories that occur. A sub-component without a trustworthy verdict is an error: it counts in
the denominator, never as a success, and is also counted apart.

The intervals are percentile bootstrap intervals, clustered by goal: sub-components of one goal, and its trials, are
correlated, so goals are drawn with replacement (Efron and Tibshirani, "An Introduction to the
Bootstrap", 1993, chapters 8 and 13).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE, RESAMPLES, draws
from pytest_ugst.analysis.stats.columns import AVERAGE, COLUMNS
from pytest_ugst.core.base import Frozen
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Rate(Frozen):
    """The success rate of a column with its counts. Percentages run from 0 to 100."""

    value: float | None = None
    """Percent of successes; None without data."""
    low: float | None = None
    """Lower end of the 95% interval; None where fewer than two goals have data."""
    high: float | None = None
    """Upper end of the interval."""
    n: int = 0
    """Number of sub-components, errors included."""
    successes: int = 0
    """Number of sub-components that ended as a success."""
    errors: int = 0
    """Number of sub-components without a trustworthy verdict."""


class Rates(Frozen):
    """The success rates of one set of episodes."""

    columns: dict[str, Rate]
    """Rates by the names in :data:`pytest_ugst.analysis.stats.columns.COLUMNS`.

    The counts of ``avg`` are those of all categories together.
    """
    goals: int = 0
    """Number of goals."""
    episodes: int = 0
    """Number of episodes."""
    unmeasured: int = 0
    """Number of episodes without anything to count; they are in no rate."""

    @property
    def average(self) -> Rate:
        """Avg: the plain mean over the categories that occur."""
        return self.columns[AVERAGE]


def rates(tallies: Iterable[Tally], *, resamples: int = RESAMPLES, seed: int = 0) -> Rates:
    """Return success rates with intervals.

    The order of the tallies has no influence, not even on the resampling.

    Args:
        tallies: One tally per episode.
        resamples: Number of bootstrap resamples; 0 leaves the intervals out.
        seed: Seed of the resampling.
    """
    by_goal: dict[str, dict[Category, Count]] = {}
    episodes = unmeasured = 0
    for one in tallies:
        episodes += 1
        unmeasured += not one.measured
        pooled = by_goal.setdefault(one.goal, {})
        for category, count in one.counts.items():
            pooled[category] = _add(pooled.get(category, Count()), count)
    goals = [by_goal[name] for name in sorted(by_goal)]
    table = [[goal.get(category, Count()) for category in Category] for goal in goals]
    sums = [_add(*column) for column in zip(*table, strict=True)] if table else [Count()] * len(Category)
    values = [_percent(count) for count in sums]
    known = [value for value in values if value is not None]
    values.append(sum(known) / len(known) if known else None)
    sums.append(_add(*sums))
    spread: list[tuple[float | None, float | None]] = [(None, None)] * len(values)
    if known and resamples:
        # A goal that could not be played is in no rate, so it makes none less certain.
        spread = _intervals([row for row in table if any(count.total for count in row)], resamples, seed)
    return Rates(
        columns={
            name: Rate(value=value, low=low, high=high, n=count.total, successes=count.successes, errors=count.errors)
            for name, value, (low, high), count in zip(COLUMNS, values, spread, sums, strict=True)
        },
        goals=len(goals),
        episodes=episodes,
        unmeasured=unmeasured,
    )


def _add(*counts: Count) -> Count:
    return Count(sum(c.total for c in counts), sum(c.successes for c in counts), sum(c.errors for c in counts))


def _percent(count: Count) -> float | None:
    return 100.0 * count.successes / count.total if count.total else None


def _intervals(table: Sequence[Sequence[Count]], resamples: int, seed: int) -> list[tuple[float | None, float | None]]:
    """Return the percentile intervals of the five rates and of their mean.

    Args:
        table: Counts, by goal and category.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.
    """
    import numpy as np

    counts = np.array(table, dtype=np.float64)  # goals x categories x (total, successes, errors)
    totals, successes = counts[:, :, 0], counts[:, :, 1]
    weights = draws(len(table), resamples, np.random.default_rng(seed))
    drawn = np.concatenate([_resampled(block @ successes, block @ totals) for block in weights])
    # With a single goal every resample is the same, which says nothing about the spread: no interval then.
    spread: list[tuple[float | None, float | None]] = []
    having = [*(totals > 0).sum(axis=0), (totals > 0).any(axis=1).sum()]
    tail = (100 - CONFIDENCE) / 2
    for column, goals in enumerate(having):
        values = drawn[:, column]
        values = values[~np.isnan(values)]
        if goals < 2 or not len(values):
            spread.append((None, None))
            continue
        low, high = np.percentile(values, [tail, 100 - tail])
        spread.append((float(low), float(high)))
    return spread


def _resampled(successes: Floats, totals: Floats) -> Floats:
    """Return the rates and their mean, shape (resamples, 6); NaN where a category does not occur in a resample."""
    import numpy as np

    present = totals > 0
    values = 100.0 * successes / np.where(present, totals, 1.0)
    mean = np.where(present, values, 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    mean[~present.any(axis=1)] = np.nan
    return np.column_stack([np.where(present, values, np.nan), mean])
