"""pass^k: the reliability of an agent over repeated trials of the same tasks.

pass^k is the chance that ``k`` trials of a task all succeed, averaged over tasks. With ``c`` successes in ``n`` trials,
``comb(c, k) / comb(n, k)`` estimates it for one task without bias: it is the share of the sets of ``k`` trials in which
all succeeded. Source: Yao et al., "tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains", 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb


def pass_k(successes: int, trials: int, k: int) -> float:
    """Return the unbiased estimate of pass^k for one task.

    Args:
        successes: Number of trials that succeeded.
        trials: Number of all trials; at least ``k``.
        k: Number of trials that have to succeed together; at least 1.

    Raises:
        ValueError: If there are more successes than trials, or fewer trials than ``k``.
    """
    if not 0 <= successes <= trials or not 1 <= k <= trials:
        raise ValueError(f"pass^{k} can't be estimated from {successes} successes in {trials} trials")
    return comb(successes, k) / comb(trials, k)


def pass_hat(tasks: Mapping[str, Sequence[bool]], k: int) -> float | None:
    """Return pass^k over tasks.

    Args:
        tasks: For each task, whether each of its trials succeeded.
        k: Number of trials that have to succeed together.

    Returns:
        The mean over the tasks with at least ``k`` trials, or None if there are none.
    """
    estimates = [pass_k(sum(trials), len(trials), k) for trials in tasks.values() if len(trials) >= k]
    return sum(estimates) / len(estimates) if estimates else None
