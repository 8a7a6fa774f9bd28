"""Pairs of results of goals before and after a change."""

from __future__ import annotations

from random import Random

from pytest_ugst.analysis.stats.paired import Pair
from pytest_ugst.core.status import Category


def even(*changes: float, category: Category = Category.POLICY, kept: float = 0.0) -> list[Pair]:
    """Return goals with one sub-component each, which gain or lose so much."""
    return [
        Pair(f"g{n}", {category: 1}, {category: kept - min(c, 0)}, {category: kept + max(c, 0)})
        for n, c in enumerate(changes)
    ]


def drawn(goals: int, base: float, new: float, seed: int = 0) -> list[Pair]:
    """Draw goals with one sub-component each, which succeeds with these probabilities before and after."""
    random = Random(seed)
    made = [(float(random.random() < base), float(random.random() < new)) for _ in range(goals)]
    return [
        Pair(f"g{n}", {Category.POLICY: 1}, {Category.POLICY: b}, {Category.POLICY: a}) for n, (b, a) in enumerate(made)
    ]
