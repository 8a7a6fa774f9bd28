"""The table of quality: similarity with the goal, naturalness, coherence and diversity, as in the paper's Table 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ugst.analysis.quality.diversity import SHORTEST, STABLE
from pytest_ugst.analysis.quality.entries import COHERENCE, F1, HDD, MTLD, NATURALNESS, QualityEntry
from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE
from pytest_ugst.analysis.stats.means import Mean
from pytest_ugst.analysis.success.leaderboard import goal_differences
from pytest_ugst.analysis.tables import Cell, Column, Line, Mark, Table, rank_marks

COLUMNS: Mapping[str, tuple[str, int]] = {
    F1: ("F1", 3),
    NATURALNESS: ("N", 2),
    COHERENCE: ("C", 2),
    MTLD: ("MTLD", 1),
    HDD: ("HD-D", 3),
}
"""By measure, heading and decimals, in the paper's order."""


def quality_table(entries: Sequence[QualityEntry]) -> Table:
    """Make a table with one line per simulator, grouped by method, best and second best marked.

    Args:
        entries: At least one, those of a method side by side.
    """
    means = {name: [one.mean_of(name) if name in one.values else Mean() for one in entries] for name in COLUMNS}
    marks = {
        name: rank_marks([None if m.value is None else round(m.value, COLUMNS[name][1]) for m in column])
        for name, column in means.items()
    }
    columns = [Column("simulator", "simulator")]
    columns += [Column(name, heading) for name, (heading, _) in COLUMNS.items()]
    columns += [Column("conversations", "conv."), Column("errors", "err."), Column("run", None)]
    lines = []
    for number, entry in enumerate(entries):
        cells = [Cell(entry.label)]
        cells += [_cell(name, means[name][number], marks[name][number], entry) for name in COLUMNS]
        cells += [Cell(len(entry.conversations)), Cell(sum(entry.errors.values())), Cell(entry.run)]
        lines.append(Line(tuple(cells), entry.method))
    return Table(tuple(columns), tuple(lines), notes=tuple(_notes(entries)))


def _cell(name: str, value: Mean, mark: Mark | None, entry: QualityEntry) -> Cell:
    decimals = COLUMNS[name][1]
    more = {"low": value.low, "high": value.high, "n": value.n, "missing": value.missing}
    more["errors"] = entry.errors.get(name, 0)
    if value.value is None:
        return Cell(more=more)
    aside = ""
    if value.low is not None and value.high is not None:
        aside = f"{value.low:.{decimals}f}–{value.high:.{decimals}f}"
    return Cell(value.value, f"{value.value:.{decimals}f}", aside, mark, more)


def _notes(entries: Sequence[QualityEntry]) -> list[str]:
    several = any(len({one.benchmark for one in entry.conversations}) > 1 for entry in entries)
    over = "benchmarks, each the mean over its conversations" if several else "conversations"
    notes = [f"means over {over}, with {CONFIDENCE:g}% intervals bootstrapped over goals"]
    notes += goal_differences(
        [(e.name or e.label, {(one.benchmark, one.goal_id) for one in e.conversations}) for e in entries]
    )
    for entry in entries:
        about = f"{entry.name or entry.label}: " if len(entries) > 1 else ""
        notes += [about + note for note in _caveats(entry)]
    return notes


def _caveats(entry: QualityEntry) -> list[str]:
    """Describe what the means of a simulator leave out, and which are unstable."""
    total = len(entry.conversations)
    notes = []
    if entry.short:
        notes.append(f"{entry.short} of {total} conversations have under {SHORTEST} words: no MTLD and HD-D")
    if entry.unstable:
        notes.append(f"{entry.unstable} of {total} have under {STABLE} words, where MTLD is unstable")
    for name, errors in entry.errors.items():
        if errors:
            notes.append(f"{errors} of {entry.requested[name]} ratings of {name} failed and are in no mean")
    return notes
