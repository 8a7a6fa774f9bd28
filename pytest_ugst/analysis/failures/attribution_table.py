"""The attribution of failed tasks as a table, and as a line beside the agent's own score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_ugst.analysis.failures.attribution import (
    Attribution,
    AttributionSummary,
    Responsibility,
    Score,
    attribute,
    attribution_summary,
)
from pytest_ugst.analysis.success.table import percent
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.text import counted, one_line
from pytest_ugst.runs.outcome import EpisodeOutcome

_HEADINGS = {Responsibility.SIMULATOR: "simul.", Responsibility.UNDECIDED: "undec."}
_DEFINITIONS = (
    "fault of the failed tasks: agent (the user kept to the goal), simulator (the user did not see to the task: an "
    "objective or requirement failed), both (the user saw to it, but strayed in profile, policy or preference); lucky: "
    "solved although the simulator strayed"
)


def attributions(outcomes: Iterable[EpisodeOutcome]) -> list[Attribution]:
    """Return the attributions of all episodes that have a score."""
    found = (attribute(one.tally, one.stop, one.task) for one in outcomes)
    return [one for one in found if one is not None]


def attribution_line(outcomes: Iterable[EpisodeOutcome]) -> str | None:
    """Describe who is responsible for failed tasks, and the agent's score without episodes of straying simulators.

    Returns:
        The line, or None if nothing is scored or no sub-component was tracked.
    """
    every = attributions(one for one in outcomes if one.tally.measured)
    if not every:
        return None
    found = attribution_summary(every, resamples=0)
    failed = sum(found.faults.values())
    text = f"{counted(failed, 'task')} failed"
    if failed:
        by = [f"{count} by {_WHO[fault]}" for fault, count in found.faults.items() if count]
        text += f": {', '.join(by)}"
    if found.kept.solved.value is None:
        return f"{text}; in no episode did the simulator stay on its goal"
    return (
        f"{text}; over the {counted(found.kept.episodes, 'episode')} whose simulator stayed on its goal the agent's "
        f"pass^1 is {percent(found.kept.solved.value)}"
    )


_WHO = {
    Responsibility.AGENT: "the agent",
    Responsibility.SIMULATOR: "the simulator",
    Responsibility.BOTH: "both",
    Responsibility.UNDECIDED: "whom is undecided",
}


def attribution_table(found: Mapping[str, AttributionSummary], benchmark: str, notes: Sequence[str] = ()) -> Table:
    """Make a table with one line per run and simulator.

    Args:
        found: Summaries by the line's label.
        benchmark: The domain that scores the agent's work.
        notes: Further notes.
    """
    columns = (
        Column("run", "simulator"),
        Column("raw", "raw"),
        Column("kept", "kept"),
        Column("failed", "failed"),
        *(Column(fault.value, _HEADINGS.get(fault, fault.value)) for fault in Responsibility),
        Column("lucky", "lucky"),
    )
    lines = tuple(
        Line(
            (
                Cell(label),
                _cell(one.raw),
                _cell(one.kept),
                Cell(sum(one.faults.values())),
                *(Cell(one.faults[fault]) for fault in Responsibility),
                Cell(one.lucky),
            )
        )
        for label, one in found.items()
    )
    all_notes = [
        "the agent's pass^1 in percent, raw over all episodes, and over those whose simulator kept to all parts of "
        "its goal, with 95% intervals bootstrapped over goals",
        _DEFINITIONS,
        *notes,
    ]
    for label, one in found.items():
        all_notes += [
            f"{label}: {_hat(one.raw)} over all: {_over(one.raw)}; "
            f"{_hat(one.kept)} where the goal was kept: {_over(one.kept)}"
        ]
        if one.undecided:
            left = counted(one.undecided, "episode")
            all_notes.append(f"{label}: in {left} missing verdicts leave open whether the goal was kept")
    return Table(columns, lines, f"whose fault: {one_line(benchmark)}", tuple(all_notes))


def _cell(score: Score) -> Cell:
    solved = score.solved
    more = {"low": solved.low, "high": solved.high, "episodes": score.episodes, "goals": solved.n}
    more |= {f"pass_{k}": value for k, value in score.hat.items()}
    if solved.value is None:
        return Cell(more=more)
    aside = "" if solved.low is None or solved.high is None else f"{solved.low:.0f}–{solved.high:.0f}"
    return Cell(solved.value, f"{percent(solved.value)}", aside, more=more)


def _over(score: Score) -> str:
    return f"{counted(score.episodes, 'episode')} of {counted(score.solved.n, 'goal')}"


def _hat(score: Score) -> str:
    return ", ".join(f"pass^{k} {percent(value)}" for k, value in score.hat.items()) or "no pass^k"
