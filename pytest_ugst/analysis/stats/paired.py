"""Differences between two sets of episodes over the same goals, goal by goal.

The rates are those of :mod:`pytest_ugst.analysis.success.rates`, except that a goal weighs by its sub-components
whatever the number of its trials, so that a run that was cut off is not another mixture of goals.

The intervals are bootstrap-t intervals over goals: a goal is drawn with both of its results and all of its trials.
They hold for all columns at once: the half-width is the standard error times the 95th percentile of the largest
studentised deviation among the columns (Westfall and Young, "Resampling-Based Multiple Testing", 1993: max-T). Beside
Bonferroni's or Holm's correction that uses how much the columns move together; Avg is made of the others.

Where hardly any goal changed, a resample shows no spread, and no spread is ignorance. So two goals more that lost and
two more that gained are always reckoned with, after Agresti and Coull's two successes and two failures ("Approximate is
better than 'exact' for interval estimation of binomial proportions", 1998): as large as the changes that were seen, and
whole where there were none. Without any change in n goals, that leaves to a single column what the rule of three does.
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
MIN_GOALS: Final = 8
"""Goals below which there is no interval: by simulation those would be wrong too often (``docs/results/``)."""
_EXTRA = 2  # goals that lost, and as many that gained, beside those that were seen
_LEAST = 1.959964  # a single column's factor in theory; a resample of hardly any change would give less
_NOTHING = 1e-9  # means over trials may differ in their last bits


class Pair(NamedTuple):
    """One goal in both sets."""

    goal: str
    """Its name; one pair per goal."""
    totals: Mapping[Category, float]
    """Sub-components by category."""
    base: Mapping[Category, float]
    """How many of them were successes, on average over the trials."""
    new: Mapping[Category, float]


class Difference(Frozen):
    """One column of a comparison. Percentages and points run from -100 to 100; new minus base."""

    base: float | None = None
    """Percent of successes; None without data."""
    new: float | None = None
    value: float | None = None
    """Points."""
    low: float | None = None
    """Lower end of the interval, which holds for all columns asked for at once; None where there is none."""
    high: float | None = None
    error: float | None = None
    """Standard error, in points."""
    goals: int = 0
    """Goals that have data."""
    better: int = 0
    """Of these, how many gained."""
    worse: int = 0


class Differences(Frozen):
    """All columns."""

    columns: dict[str, Difference]
    """By the names in :data:`pytest_ugst.analysis.stats.columns.COLUMNS`."""
    goals: int = 0
    factor: float | None = None
    """Half-width of the intervals by standard error; None without intervals."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Points by column, each of shape (6,): the five categories and their mean."""

    values: Floats
    errors: Floats
    """Standard errors; 0 without data."""
    goals: Floats
    """Goals with data."""
    factor: float | None
    """Half-width of the intervals by standard error; None if no column has enough goals."""


def differences(
    pairs: Iterable[Pair], columns: Sequence[str] = tuple(COLUMNS), *, resamples: int = RESAMPLES, seed: int = 0
) -> Differences:
    """Compare goal by goal.

    The order of the pairs has no influence, and exchanging base and new changes nothing but signs.

    Args:
        pairs: One per goal.
        columns: Those that are looked at together; the others get no interval.
        resamples: Of the bootstrap.
        seed: Of the resampling.
    """
    import numpy as np

    ordered = sorted((pair for pair in pairs if any(pair.totals.values())), key=lambda pair: pair.goal)
    if not ordered:
        return Differences(columns={name: Difference() for name in COLUMNS})

    def array(counts: Iterable[Mapping[Category, float]]) -> Floats:
        return np.array([[one.get(c, 0.0) for c in Category] for one in counts], dtype=np.float64)

    totals = array(pair.totals for pair in ordered)
    base, new = array(pair.base for pair in ordered), array(pair.new for pair in ordered)
    family = np.array([name in columns for name in COLUMNS])
    made = estimate(totals, new - base, weights(len(ordered), resamples, seed), family)
    before, after, moved = _rates(totals, base), _rates(totals, new), _moves(totals, new - base)
    found = {}
    for number, name in enumerate(COLUMNS):
        goals = int(made.goals[number])
        if not goals:
            found[name] = Difference()
            continue
        value, error = float(made.values[number]), float(made.errors[number])
        low = high = None
        if made.factor is not None and family[number] and goals >= MIN_GOALS:
            low, high = max(-100.0, value - made.factor * error), min(100.0, value + made.factor * error)
        found[name] = Difference(
            base=float(before[number]),
            new=float(after[number]),
            value=value,
            low=low,
            high=high,
            error=error if goals > 1 else None,
            goals=goals,
            better=int((moved[:, number] > _NOTHING).sum()),
            worse=int((moved[:, number] < -_NOTHING).sum()),
        )
    return Differences(columns=found, goals=len(ordered), factor=made.factor)


def weights(goals: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each goal is drawn in each resample, in blocks of shape (some, goals)."""
    import numpy as np

    return draws(goals, resamples, np.random.default_rng(seed))


def estimate(totals: Floats, changes: Floats, drawn: Iterable[Floats], family: Bools) -> Estimate:
    """Differences, their standard errors, and the factor that makes intervals of them.

    Args:
        totals: Sub-components, goals x categories.
        changes: Successes gained, of the same shape.
        drawn: As :func:`weights` gives them.
        family: Per column, whether it is looked at.
    """
    import numpy as np

    goals = len(totals)
    having = np.append((totals > 0).sum(axis=0), (totals > 0).any(axis=1).sum()).astype(np.float64)
    products = _products(totals, changes)
    values, variances, _ = (one[0] for one in _moments(products.sum(axis=0)[None], goals))
    extra = _unseen(totals, changes, having)
    errors = np.where(having > 0, np.sqrt(variances + extra), 0.0)
    asked = family & (having >= MIN_GOALS)
    if not asked.any():
        return Estimate(values, errors, having, None)
    largest = []
    for block in drawn:
        again, spread, there = _moments(block @ products, goals)
        deviations = np.abs(again - values) / np.sqrt(spread + extra)
        largest.append(np.where(there & asked, deviations, 0.0).max(axis=1))
    factor = max(_LEAST, float(np.percentile(np.concatenate(largest), CONFIDENCE)))
    return Estimate(values, errors, having, factor)


def _products(totals: Floats, changes: Floats) -> Floats:
    """Per goal, everything whose weighted sums the differences and their variances are made of: shape (n, 85)."""
    import numpy as np

    def outer(left: Floats, right: Floats) -> Floats:
        made: Floats = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
        return made

    pairs = outer(changes, changes), outer(changes, totals), outer(totals, totals)
    return np.concatenate([changes, totals, *pairs], axis=1)


def _moments(sums: Floats, goals: int) -> tuple[Floats, Floats, Bools]:
    """Differences in points, their variances by linearisation, and whether there is data; each of shape (some, 6).

    A rate's difference is a ratio of sums, D/N; a goal's part in its error is (D_g - (D/N) N_g) / N, and the mean's is
    the mean of the categories' parts. (Cochran, "Sampling Techniques", 1977, chapter 6.)

    Args:
        sums: Of :func:`_products` over goals, a line per resample.
        goals: How many were drawn.
    """
    import numpy as np

    size = len(Category)
    gained, total = sums[:, :size], sums[:, size : 2 * size]
    squares = sums[:, 2 * size :].reshape(-1, 3, size, size)
    there = total > 0
    safe = np.where(there, total, 1.0)
    rates = np.where(there, gained / safe, 0.0)
    across, along = rates[:, :, None], rates[:, None, :]
    # sum of (D_a - r_a N_a) (D_b - r_b N_b) for categories a and b
    spread = squares[:, 0] - along * squares[:, 1] - across * squares[:, 1].transpose(0, 2, 1)
    spread = (spread + across * along * squares[:, 2]) / (safe[:, :, None] * safe[:, None, :])
    share = there / np.maximum(there.sum(axis=1, keepdims=True), 1)
    mean = (share * rates).sum(axis=1)
    of_mean = np.einsum("ba,bac,bc->b", share, spread, share)
    variances = np.column_stack([np.einsum("baa->ba", spread), of_mean]).clip(min=0)
    values = 100.0 * np.column_stack([rates, mean])
    return values, 1e4 * variances * goals / max(1, goals - 1), np.column_stack([there, there.any(axis=1)])


def _moves(totals: Floats, changes: Floats) -> Floats:
    """How much each goal changed, shape (n, 6): 1 is a goal of average size that gained everything."""
    import numpy as np

    count = (totals > 0).sum(axis=0)
    size = totals.sum(axis=0) / np.maximum(count, 1)
    moves = changes / np.where(size > 0, size, 1.0)
    # In the mean, a category counts by its share in the goals' number, so that every category weighs the same.
    scale = len(totals) / np.maximum(count, 1) * (count > 0)
    return np.column_stack([moves, (moves * scale).sum(axis=1) / max(1, (count > 0).sum())])


def _unseen(totals: Floats, changes: Floats, having: Floats) -> Floats:
    """The variance that the goals bring that are reckoned with unseen, in points squared, shape (6,)."""
    import numpy as np

    moves = _moves(totals, changes)
    changed = (np.abs(moves) > _NOTHING).sum(axis=0)
    # One whole change is always counted in: a single small one is no proof that there are no larger ones.
    typical = ((moves**2).sum(axis=0) + 1) / (changed + 1)
    unseen: Floats = 1e4 * 2 * _EXTRA * typical / (having + 2 * _EXTRA) ** 2
    return unseen


def _rates(totals: Floats, successes: Floats) -> Floats:
    """Percent by column, shape (6,)."""
    import numpy as np

    total = totals.sum(axis=0)
    rates = 100.0 * successes.sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.append(rates, rates.sum() / max(1, (total > 0).sum()))
