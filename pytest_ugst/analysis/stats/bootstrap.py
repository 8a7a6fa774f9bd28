"""Resampling of goals with replacement, for every interval that is clustered by goal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 95.0
"""Percent of the resamples that an interval covers."""
RESAMPLES = 2_000
"""Resamples of an interval, unless another number is asked for."""
CELLS = 2_000_000
"""Entries of a block of weights: they bound the memory at 16 MB whatever the number of goals."""


def draws(goals: int, resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Yield how often each goal is drawn in each resample, in blocks of shape (resamples of the block, goals).

    The counts are distributed as if as many goals as there are were drawn one by one with replacement.

    Args:
        goals: Number of goals, at least 1.
        resamples: Number of resamples, over all blocks.
        rng: Source of randomness.
    """
    import numpy as np

    step = max(1, CELLS // goals)
    even = np.full(goals, 1 / goals)
    for start in range(0, resamples, step):
        yield rng.multinomial(goals, even, size=min(step, resamples - start)).astype(np.float64)
