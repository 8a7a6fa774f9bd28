"""Paired differences between two sets of episodes over the same goals.

The rates are those of :mod:`pytest_ugst.analysis.success.rates`, except that a goal weighs by its sub-components
whatever the number of its trials, so that a run that was cut off is not another mixture of goals.

The intervals are bootstrap-t intervals over goals: a goal is drawn with both of its results and all of its trials.
They hold for all columns at once: the half-width is the standard error times the 95th percentile of the largest
studentised deviation among the columns (Westfall and Young, "Resampling-Based Multiple Testing", 1993: max-T). Unlike
Bonferroni's or Holm's correction this uses how much the columns move together; Avg is the mean of the others.

Where hardly any goal changed, a resample shows no spread, which would be mistaken for certainty. So the variance always
includes two more goals that lost and two more that gained, after Agresti and Coull's two successes and two failures
("Approximate is better than 'exact' for interval estimation of binomial proportions", 1998): their changes are as large
as those that were seen, and whole goals where there were none. Without any change in n goals, the interval of a single
column is about as wide as that of the rule of three.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE, draws
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.core.base import Frozen
from pytest_ugst.core.status import Category

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

RESAMPLES: Final = 4_000
"""Resamples of the intervals of differences, unless another number is asked for."""
MIN_GOALS: Final = 8
"""Number of goals below which there is no interval: by simulation it would be wrong too often (``docs/results/``)."""
_EXTRA = 2  # goals that lost, and as many that gained, beside those that were seen
_LEAST = 1.959964  # a single column's factor in theory; a resample of hardly any change would give less
_ROUNDING = 1e-9  # means over trials may differ in their last bits


class Pair(NamedTuple):
    """The counts of one goal in both sets."""

    goal: str
    """Name of the goal; there is one pair per goal."""
    totals: Mapping[Category, float]
    """Number of sub-components by category."""
    base: Mapping[Category, float]
    """Number of successes among them in the baseline, on average over the trials."""
    new: Mapping[Category, float]
    """Number of successes among them in the new run, on average over the trials."""


class Difference(Frozen):
    """The difference in one column, in percentage points from -100 to 100; new minus base."""

    base: float | None = None
    """Percent of successes in the baseline; None without data."""
    new: float | None = None
    """Percent of successes in the new run; None without data."""
    value: float | None = None
    """Difference in points; None without data."""
    low: float | None = None
    """Lower end of the interval, which holds for all columns asked for at once; None where there is no interval."""
    high: float | None = None
    """Upper end of the interval."""
    error: float | None = None
    """Standard error, in points; None where fewer than two goals have data."""
    goals: int = 0
    """Number of goals that have data."""
    better: int = 0
    """Number of goals that gained."""
    worse: int = 0
    """Number of goals that lost."""


class Differences(Frozen):
    """The differences in all columns."""

    columns: dict[str, Difference]
    """Differences by the column names in :data:`pytest_ugst.analysis.stats.columns.COLUMNS`."""
    goals: int = 0
    """Number of goals that were compared."""
    factor: float | None = None
    """Half-width of the intervals in standard errors; None without intervals."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimates by column, in points; the arrays have shape (6,): the five categories and their mean."""

    values: Floats
    """Differences."""
    errors: Floats
    """Standard errors; 0 without data."""
    goals: Floats
    """Numbers of goals with data."""
    factor: float | None
    """Half-width of the intervals in standard errors; None if no column has enough goals."""


def differences(
    pairs: Iterable[Pair], columns: Sequence[str] = tuple(COLUMNS), *, resamples: int = RESAMPLES, seed: int = 0
) -> Differences:
    """Return the differences between two sets of episodes, compared goal by goal.

    The order of the pairs has no influence, and exchanging base and new changes nothing but signs.

    Args:
        pairs: One pair per goal.
        columns: Columns whose intervals have to hold together; the others get no interval.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.
    """
    import numpy as np

    ordered = sorted((pair for pair in pairs if any(pair.totals.values())), key=lambda pair: pair.goal)
    if not ordered:
        return Differences(columns={name: Difference() for name in COLUMNS})

    def array(counts: Iterable[Mapping[Category, float]]) -> Floats:
        return np.array([[by_category.get(c, 0.0) for c in Category] for by_category in counts], dtype=np.float64)

    totals = array(pair.totals for pair in ordered)
    base, new = array(pair.base for pair in ordered), array(pair.new for pair in ordered)
    family = np.array([name in columns for name in COLUMNS])
    estimated = estimate(totals, new - base, weights(len(ordered), resamples, seed), family)
    before, after, moved = _rates(totals, base), _rates(totals, new), _moves(totals, new - base)
    by_column = {}
    for number, name in enumerate(COLUMNS):
        goals = int(estimated.goals[number])
        if not goals:
            by_column[name] = Difference()
            continue
        value, error = float(estimated.values[number]), float(estimated.errors[number])
        low = high = None
        if estimated.factor is not None and family[number] and goals >= MIN_GOALS:
            low, high = max(-100.0, value - estimated.factor * error), min(100.0, value + estimated.factor * error)
        by_column[name] = Difference(
            base=float(before[number]),
            new=float(after[number]),
            value=value,
            low=low,
            high=high,
            error=error if goals > 1 else None,
            goals=goals,
            better=int((moved[:, number] > _ROUNDING).sum()),
            worse=int((moved[:, number] < -_ROUNDING).sum()),
        )
    return Differences(columns=by_column, goals=len(ordered), factor=estimated.factor)


def weights(goals: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each goal is drawn in each resample, in blocks of shape (resamples of the block, goals)."""
    import numpy as np

    return draws(goals, resamples, np.random.default_rng(seed))


def estimate(totals: Floats, changes: Floats, drawn: Iterable[Floats], family: Bools) -> Estimate:
    """Return the differences, their standard errors, and the factor that turns these into intervals.

    Args:
        totals: Numbers of sub-components, shape (goals, categories).
        changes: Numbers of successes gained, of the same shape.
        drawn: Blocks of weights, as :func:`weights` yields them.
        family: Whether each column is among those whose intervals have to hold together, shape (6,).
    """
    import numpy as np

    goals = len(totals)
    having = np.append((totals > 0).sum(axis=0), (totals > 0).any(axis=1).sum()).astype(np.float64)
    products = _products(totals, changes)
    values, variances, _ = (one[0] for one in _moments(products.sum(axis=0)[None], goals))
    extra = _unseen_variance(totals, changes, having)
    errors = np.where(having > 0, np.sqrt(variances + extra), 0.0)
    measured = family & (having >= MIN_GOALS)
    if not measured.any():
        return Estimate(values, errors, having, None)
    largest = []
    for block in drawn:
        again, spread, present = _moments(block @ products, goals)
        deviations = np.abs(again - values) / np.sqrt(spread + extra)
        largest.append(np.where(present & measured, deviations, 0.0).max(axis=1))
    factor = max(_LEAST, float(np.percentile(np.concatenate(largest), CONFIDENCE)))
    return Estimate(values, errors, having, factor)


def _products(totals: Floats, changes: Floats) -> Floats:
    """Return per goal the terms whose weighted sums determine the differences and variances, shape (goals, 85)."""
    import numpy as np

    def outer(left: Floats, right: Floats) -> Floats:
        flat: Floats = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
        return flat

    pairs = outer(changes, changes), outer(changes, totals), outer(totals, totals)
    return np.concatenate([changes, totals, *pairs], axis=1)


def _moments(sums: Floats, goals: int) -> tuple[Floats, Floats, Bools]:
    """Return the differences in points, their variances by linearisation, and whether there is data.

    A rate's difference is a ratio of sums, D/N; a goal's part in its error is (D_g - (D/N) N_g) / N, and the mean's is
    the mean of the categories' parts. (Cochran, "Sampling Techniques", 1977, chapter 6.)

    Args:
        sums: Sums of :func:`_products` over goals, shape (resamples, 85).
        goals: Number of goals that were drawn.

    Returns:
        Three arrays of shape (resamples, 6).
    """
    import numpy as np

    size = len(Category)
    gained, total = sums[:, :size], sums[:, size : 2 * size]
    squares = sums[:, 2 * size :].reshape(-1, 3, size, size)
    present = total > 0
    safe = np.where(present, total, 1.0)
    rates = np.where(present, gained / safe, 0.0)
    across, along = rates[:, :, None], rates[:, None, :]
    # sum of (D_a - r_a N_a) (D_b - r_b N_b) for categories a and b
    spread = squares[:, 0] - along * squares[:, 1] - across * squares[:, 1].transpose(0, 2, 1)
    spread = (spread + across * along * squares[:, 2]) / (safe[:, :, None] * safe[:, None, :])
    share = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
    mean = (share * rates).sum(axis=1)
    of_mean = np.einsum("ba,bac,bc->b", share, spread, share)
    variances = np.column_stack([np.einsum("baa->ba", spread), of_mean]).clip(min=0)
    values = 100.0 * np.column_stack([rates, mean])
    return values, 1e4 * variances * goals / max(1, goals - 1), np.column_stack([present, present.any(axis=1)])


def _moves(totals: Floats, changes: Floats) -> Floats:
    """Return how much each goal changed, shape (goals, 6): 1 is a goal of average size that gained everything."""
    import numpy as np

    count = (totals > 0).sum(axis=0)
    size = totals.sum(axis=0) / np.maximum(count, 1)
    moves = changes / np.where(size > 0, size, 1.0)
    # In the mean, a category counts by its share in the goals' number, so that every category weighs the same.
    scale = len(totals) / np.maximum(count, 1) * (count > 0)
    return np.column_stack([moves, (moves * scale).sum(axis=1) / max(1, (count > 0).sum())])


def _unseen_variance(totals: Floats, changes: Floats, having: Floats) -> Floats:
    """Return the variance due to the goals that are added to those seen, in squared points, shape (6,)."""
    import numpy as np

    moves = _moves(totals, changes)
    changed = (np.abs(moves) > _ROUNDING).sum(axis=0)
    # One whole change is always counted in: a single small one is no proof that there are no larger ones.
    typical = ((moves**2).sum(axis=0) + 1) / (changed + 1)
    unseen: Floats = 1e4 * 2 * _EXTRA * typical / (having + 2 * _EXTRA) ** 2
    return unseen


def _rates(totals: Floats, successes: Floats) -> Floats:
    """Return the rates by column in percent, shape (6,)."""
    import numpy as np

    total = totals.sum(axis=0)
    rates = 100.0 * successes.sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.append(rates, rates.sum() / max(1, (total > 0).sum()))
