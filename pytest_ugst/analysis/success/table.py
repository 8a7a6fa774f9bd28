"""The table of success rates as in the paper, with intervals, for any style."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.success.rates import Rate, Rates
from pytest_ugst.analysis.tables import Cell, Column, Line, Mark, Table, rank_marks
from pytest_ugst.core.base import Frozen
from pytest_ugst.core.status import Category
from pytest_ugst.core.text import one_line

_LABEL = 40  # characters of a label in a note


class RatesRow(Frozen):
    """A row of a table of rates: those of a simulator, a suite or a whole run."""

    label: str
    """Label of the row."""
    rates: Rates


def rates_table(
    rows: Sequence[RatesRow],
    *,
    title: str = "",
    heading: str = "",
    groups: Sequence[str] = (),
    names: Sequence[str] = (),
    runs: Sequence[str] = (),
    marked: bool = False,
    legend: bool = True,
    notes: Sequence[str] = (),
) -> Table:
    """Return a table with a column per category, Avg, and the numbers of sub-components and errors.

    Args:
        rows: The rows, at least one.
        title: Title above the table.
        heading: Heading of the labels' column.
        groups: Name of each row's group; consecutive rows with the same name are one group.
        names: Name of each row in notes; its label unless given.
        runs: Run of each row, for CSV and JSON.
        marked: Whether to mark the best and the second best of each column.
        legend: Whether to explain the numbers in a note; with several tables, the last one is enough.
        notes: Further notes.
    """
    columns = [Column(heading or "label", heading), *(Column(name, text) for name, text in COLUMNS.items())]
    columns += [Column("n", "n"), Column("errors", "err.")]
    columns += [Column(name, None) for name in ("goals", "episodes", "unmeasured", *(["run"] if runs else []))]
    marks = [_marks(rows, name) if marked else [None] * len(rows) for name in COLUMNS]
    lines = []
    for number, row in enumerate(rows):
        rates = row.rates
        cells = [Cell(row.label)]
        cells += [_cell(rates.columns[name], column[number]) for name, column in zip(COLUMNS, marks, strict=True)]
        counts: tuple[int, ...] = (rates.average.n, rates.average.errors, rates.goals, rates.episodes, rates.unmeasured)
        cells += [Cell(value) for value in counts]
        cells += [Cell(runs[number])] if runs else []
        lines.append(Line(tuple(cells), groups[number] if groups else ""))
    about_rates = _notes(rows, names or [row.label for row in rows])[0 if legend else 1 :]
    return Table(tuple(columns), tuple(lines), title, (*about_rates, *notes))


def _marks(rows: Sequence[RatesRow], name: str) -> list[Mark | None]:
    values = [row.rates.columns[name].value for row in rows]
    return rank_marks([None if value is None else float(percent(value)) for value in values])


def _cell(rate: Rate, mark: Mark | None) -> Cell:
    more = {"low": rate.low, "high": rate.high, "n": rate.n, "successes": rate.successes, "errors": rate.errors}
    if rate.value is None:
        return Cell(more=more)
    interval = "" if rate.low is None or rate.high is None else f"{rate.low:.0f}–{rate.high:.0f}"
    return Cell(rate.value, percent(rate.value), interval, mark, more)


def percent(value: float) -> str:
    """Return a percentage with one decimal, as in the paper; only exact values become ``100.0`` and ``0.0``."""
    if 0 < value < 0.05:
        return "0.1"
    if 99.95 <= value < 100:
        return "99.9"
    return f"{value:.1f}"


def _notes(rows: Sequence[RatesRow], names: Sequence[str]) -> list[str]:
    bootstrapped = any(rate.low is not None for row in rows for rate in row.rates.columns.values())
    intervals = f", with {CONFIDENCE:g}% intervals bootstrapped over goals" if bootstrapped else ""
    notes = [f"rates in percent{intervals}"]
    for name, row in zip(names, rows, strict=True):
        about = f"{one_line(name, _LABEL)}: " if len(rows) > 1 else ""
        errors = {category: row.rates.columns[category].errors for category in Category}
        if any(errors.values()):
            counts = ", ".join(f"{count} {category}" for category, count in errors.items() if count)
            notes.append(f"{about}without a trustworthy verdict, so no successes: {counts}")
        if row.rates.unmeasured:
            notes.append(f"{about}{row.rates.unmeasured} of {row.rates.episodes} episodes could not be measured")
    return notes
