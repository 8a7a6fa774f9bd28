"""Means over conversations, with intervals: for scores that are not success rates.

The paper averages over benchmarks: the mean is taken in each benchmark, and the benchmarks count equally. Intervals are
percentile bootstrap intervals, clustered by goal as those of the success rates: goals are drawn with replacement
within their benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE, RESAMPLES, draws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Observation:
    """The value of one conversation."""

    benchmark: str
    """Benchmark of the conversation's goal; means are taken per benchmark first."""
    goal: str
    """Goal of the conversation; values of one goal are resampled together."""
    value: float | None
    """The value; None where the conversation has none and is in no mean."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its interval."""

    value: float | None = None
    """The mean; None without values."""
    low: float | None = None
    """Lower end of the 95% interval; None where a benchmark has fewer than two goals."""
    high: float | None = None
    """Upper end of the interval."""
    n: int = 0
    """Number of conversations with a value."""
    missing: int = 0
    """Number of conversations without a value."""


def mean(samples: Iterable[Observation], *, resamples: int = RESAMPLES, seed: int = 0) -> Mean:
    """Return the mean with its interval.

    The order of the samples has no influence.

    Args:
        samples: One observation per conversation.
        resamples: Number of bootstrap resamples; 0 leaves the interval out.
        seed: Seed of the resampling.
    """
    import numpy as np

    benchmarks: dict[str, dict[str, list[float]]] = {}
    n = missing = 0
    for sample in samples:
        if sample.value is None:
            missing += 1
            continue
        n += 1
        benchmarks.setdefault(sample.benchmark, {}).setdefault(sample.goal, []).append(sample.value)
    if not n:
        return Mean(missing=missing)
    clusters = [
        [(sum(sorted(values)), len(values)) for _, values in sorted(goals.items())]
        for _, goals in sorted(benchmarks.items())
    ]
    value = float(np.mean([sum(s for s, _ in goals) / sum(c for _, c in goals) for goals in clusters]))
    low = high = None
    if resamples and min(map(len, clusters)) > 1:
        rng = np.random.default_rng(seed)
        drawn = np.mean([_resampled(goals, resamples, rng) for goals in clusters], axis=0)
        tail = (100 - CONFIDENCE) / 2
        low, high = (float(end) for end in np.percentile(drawn, [tail, 100 - tail]))
    return Mean(value, low, high, n, missing)


def _resampled(goals: Sequence[tuple[float, int]], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the mean of one benchmark in each resample, shape (resamples,).

    Args:
        goals: Sum and number of the values of each goal.
        resamples: Number of resamples.
        rng: Source of randomness.
    """
    import numpy as np

    table = np.array(goals, dtype=np.float64)  # goals x (sum, count)
    sums = np.concatenate([block @ table for block in draws(len(goals), resamples, rng)])
    means: NDArray[np.float64] = sums[:, 0] / sums[:, 1]
    return means
