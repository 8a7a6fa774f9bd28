"""The failure patterns of runs as a table, and as a list of episodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_ugst.analysis.failures.episodes import EpisodeFailures
from pytest_ugst.analysis.failures.record import RULE, Pattern
from pytest_ugst.analysis.failures.shares import PAPER, Shares
from pytest_ugst.analysis.stats.means import Mean
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.text import counted, one_line

_HEADINGS = {
    Pattern.CONFUSION: "Confus.",
    Pattern.CONTRADICTION: "Contrad.",
    Pattern.WRONGFUL_TERMINATION: "Term.",
    Pattern.POOR_LENGTH_MANAGEMENT: "Length",
    Pattern.MISPRIORITIZATION: "Misprio.",
}


def failures_table(found: Mapping[str, Shares], *, judge: str | None = None) -> Table:
    """Make a table with one line per run, and the paper's shares below.

    Args:
        found: Shares by the line's label.
        judge: The model that was asked where rules can only guess.
    """
    columns = (
        Column("run", "simulator"),
        *(Column(pattern.value, _HEADINGS[pattern]) for pattern in Pattern),
        Column("failed", "failed"),
        Column("episodes", "n"),
    )
    lines = [
        Line(
            (
                Cell(label),
                *(_cell(one.primary[pattern], one.shown[pattern]) for pattern in Pattern),
                Cell(one.failed),
                Cell(one.episodes),
            )
        )
        for label, one in found.items()
    ]
    paper = (Cell("the paper's analysis"), *(Cell(share, f"{share:.0f}") for share in PAPER.values()))
    lines.append(Line((*paper, Cell(), Cell())))
    by = "by rule" if judge is None else f"by rule and, where rules only guess, by {judge}"
    notes = [
        f"percent of the failed episodes whose primary failure it is, {by}, with 95% intervals bootstrapped over goals",
        "Confus.: confusion; Contrad.: contradiction; Term.: wrongful termination; Length: poor length management; "
        "Misprio.: misprioritization",
    ]
    for label, one in found.items():
        if one.undecided:
            few = counted(one.undecided, "episode")
            notes.append(f"{label}: {few} without a failure, but with verdicts missing: may have failed")
    return Table(columns, tuple(lines), "failure patterns", tuple(notes))


def _cell(share: Mean, shown: int) -> Cell:
    if share.value is None:
        return Cell(more={"shown": shown})
    aside = "" if share.low is None or share.high is None else f"{share.low:.0f}–{share.high:.0f}"
    return Cell(share.value, f"{share.value:.1f}", aside, more={"low": share.low, "high": share.high, "shown": shown})


def failure_lines(episodes: Iterable[EpisodeFailures]) -> list[str]:
    """List the failures of each episode, in lines for a terminal; the primary pattern first."""
    lines: list[str] = []
    for one in episodes:
        for number, failure in enumerate(one.failures):
            turn = "" if failure.turn is None else f", turn {failure.turn}"
            by = "" if failure.by == RULE else f" (says {one_line(failure.by, 40)})"
            head = one_line(one.id, 120) if number == 0 else "  also"
            parts = f" [{', '.join(failure.components)}]" if failure.components else ""
            lines.append(f"{head}: {failure.pattern.spoken}{turn}{by}: {one_line(failure.why, 300)}{parts}")
            lines += [f"    turn {e.turn}, {e.speaker}: “{one_line(e.quote, 160)}”" for e in failure.evidence]
        if one.undecided:
            lines.append(f"{one_line(one.id, 120)}: undecided, verdicts are missing")
    return lines
