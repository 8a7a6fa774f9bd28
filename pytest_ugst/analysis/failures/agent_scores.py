"""The agent's own score, where a domain gives one, in a line beside the table."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ugst.analysis.failures.attribution import SOLVED
from pytest_ugst.analysis.failures.attribution_table import blame_line
from pytest_ugst.analysis.stats.pass_k import pass_hat
from pytest_ugst.analysis.success.systems import EvaluatedSystem
from pytest_ugst.analysis.success.table import percent
from pytest_ugst.core.text import counted
from pytest_ugst.runs.outcome import EpisodeOutcome


def scores_line(outcomes: Sequence[EpisodeOutcome]) -> str | None:
    """How often the agent solved its task, with pass^k over the trials, and the other scores' means.

    Args:
        outcomes: Of one domain; those without scores are left out.
    """
    scored = [episode_outcome for episode_outcome in outcomes if SOLVED in episode_outcome.task]
    if not scored:
        return None
    by_goal: dict[str, list[bool]] = {}
    for episode_outcome in scored:
        by_goal.setdefault(episode_outcome.tally.goal, []).append(episode_outcome.task[SOLVED] == 1.0)
    parts = []
    for k in _shown(min(map(len, by_goal.values()))):
        value = pass_hat(by_goal, k)
        assert value is not None
        parts.append(f"pass^{k} {percent(100 * value)}")
    names = sorted({name for episode_outcome in scored for name in episode_outcome.task} - {SOLVED})
    for name in names:
        values = [episode_outcome.task[name] for episode_outcome in scored if name in episode_outcome.task]
        parts.append(f"{name} {percent(100 * sum(values) / len(values))}")
    return f"agent's own score, in percent of {counted(len(scored), 'episode')}: {', '.join(parts)}"


def scores_notes(named: Sequence[tuple[str, EvaluatedSystem]], benchmark: str) -> list[str]:
    """What is said of each entrant that has scores in a benchmark: the scores, and whose fault failed tasks are.

    Where there are several entrants, their names stand in front.

    Args:
        named: Entrants with the labels of their lines.
        benchmark: The goals' domain.
    """
    there = [(name, one.benchmarks[benchmark]) for name, one in named if benchmark in one.benchmarks]
    scores = [(name, played, scores_line(played.outcomes)) for name, played in there]
    lines = [
        (name, line) for name, played, score in scores if score for line in (score, blame_line(played.outcomes)) if line
    ]
    return [f"{name}: {line}" if len(there) > 1 else line for name, line in lines]


def _shown(trials: int) -> list[int]:
    """1, 2, 4, ... and all."""
    powers = [2**i for i in range(trials.bit_length()) if 2**i < trials]
    return [*powers, trials]
