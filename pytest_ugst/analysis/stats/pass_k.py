"""pass^k: how reliable an agent is over repeated trials of the same tasks.

pass^k is the chance that ``k`` trials of a task all succeed, averaged over tasks. With ``c`` successes in ``n`` trials,
``comb(c, k) / comb(n, k)`` estimates it for one task without bias: it is the share of the sets of ``k`` trials in which
all succeeded. Source: Yao et al., "tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains", 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb


def pass_k(successes: int, trials: int, k: int) -> float:
    """The estimate for one task.

    Args:
        successes: Trials that succeeded.
        trials: All trials; at least ``k``.
        k: How many trials have to succeed together; at least 1.

    Raises:
        ValueError: If the numbers don't fit.
    """
    if not 0 <= successes <= trials or not 1 <= k <= trials:
        raise ValueError(f"pass^{k} can't be estimated from {successes} successes in {trials} trials")
    return comb(successes, k) / comb(trials, k)


def pass_hat(tasks: Mapping[str, Sequence[bool]], k: int) -> float | None:
    """pass^k over tasks.

    Args:
        tasks: For each task, whether each of its trials succeeded.
        k: How many trials have to succeed together.

    Returns:
        The mean over the tasks with at least ``k`` trials, or None if there are none.
    """
    estimates = [pass_k(sum(trials), len(trials), k) for trials in tasks.values() if len(trials) >= k]
    return sum(estimates) / len(estimates) if estimates else None
