"""The agent's own score, where a domain gives one, as a line beside the table."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ugst.analysis.failures.attribution import SOLVED
from pytest_ugst.analysis.failures.attribution_table import attribution_line
from pytest_ugst.analysis.stats.pass_k import pass_hat
from pytest_ugst.analysis.success.systems import EvaluatedSystem
from pytest_ugst.analysis.success.table import percent
from pytest_ugst.core.text import counted
from pytest_ugst.runs.outcome import EpisodeOutcome


def scores_line(outcomes: Sequence[EpisodeOutcome]) -> str | None:
    """Describe how often the agent solved its task, with pass^k over the trials, and the means of other scores.

    Args:
        outcomes: Episodes of one domain; those without scores are left out.

    Returns:
        The line, or None if no episode has a score.
    """
    scored = [outcome for outcome in outcomes if SOLVED in outcome.task]
    if not scored:
        return None
    by_goal: dict[str, list[bool]] = {}
    for outcome in scored:
        by_goal.setdefault(outcome.tally.goal, []).append(outcome.task[SOLVED] == 1.0)
    parts = []
    for k in _shown(min(map(len, by_goal.values()))):
        value = pass_hat(by_goal, k)
        assert value is not None
        parts.append(f"pass^{k} {percent(100 * value)}")
    names = sorted({name for outcome in scored for name in outcome.task} - {SOLVED})
    for name in names:
        values = [outcome.task[name] for outcome in scored if name in outcome.task]
        parts.append(f"{name} {percent(100 * sum(values) / len(values))}")
    return f"agent's own score, in percent of {counted(len(scored), 'episode')}: {', '.join(parts)}"


def scores_notes(named: Sequence[tuple[str, EvaluatedSystem]], benchmark: str) -> list[str]:
    """Describe the agent's scores and the attribution of failed tasks for each system that has scores in a benchmark.

    Where there are several systems, each line begins with the label of one.

    Args:
        named: Systems with the labels of their lines.
        benchmark: The goals' domain.
    """
    results = [(name, system.benchmarks[benchmark]) for name, system in named if benchmark in system.benchmarks]
    notes = []
    for name, result in results:
        if scores := scores_line(result.outcomes):
            lines = (scores, attribution_line(result.outcomes))
            notes += [f"{name}: {line}" if len(results) > 1 else line for line in lines if line]
    return notes


def _shown(trials: int) -> list[int]:
    """Return the k for which pass^k is shown: 1, 2, 4, ... and the number of trials."""
    powers = [2**i for i in range(trials.bit_length()) if 2**i < trials]
    return [*powers, trials]
