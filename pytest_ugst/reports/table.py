"""The summary table: success rates as the paper prints them, with intervals, for terminals and for Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.state import Category
from pytest_ugst.metrics.success import COLUMNS, Rate, Rates
from pytest_ugst.reports.text import one_line

_NO_DATA = "–"
_LABELS = (40, 24, 16, 10)  # characters of a row's label at most, the first that fits


class Row(Frozen):
    """One line of a table: a simulator, or a suite, or all of it."""

    label: str
    rates: Rates


def render(rows: Sequence[Row], *, width: int = 100, heading: str = "", legend: bool = True) -> str:
    """The table for a terminal, with notes on what the rates do not say.

    Intervals stand beside the rates where there is room, else below them.

    Args:
        rows: At least one.
        width: Columns to stay within; 72 are about the least a table can do with.
        heading: Above the labels.
        legend: Say what the numbers are; of several tables the last is enough.
    """
    for label, below in ((_LABELS[0], False), *((label, True) for label in _LABELS)):
        table = _tabulated(rows, "simple", below, label, heading)
        if max(map(len, table.splitlines())) <= width:
            break
    whole = [one_line(row.label) for row in rows]
    cut = [f"{short} is {full}" for full in dict.fromkeys(whole) if (short := one_line(full, label)) != full]
    notes = [one_line(note, width) for note in cut]
    return "\n".join([table, *_notes(rows)[0 if legend else 1 :], *notes])


def render_markdown(rows: Sequence[Row], *, heading: str = "") -> str:
    """The table in GitHub's Markdown, with the same notes below."""
    escaped = [Row(label=_escaped(one_line(row.label, _LABELS[0])), rates=row.rates) for row in rows]
    table = _tabulated(escaped, "github", False, None, _escaped(heading))
    notes = [f"{_escaped(note)}  " for note in _notes(rows)]
    return "\n".join([table, "", *notes]).rstrip() + "\n"


def _tabulated(rows: Sequence[Row], style: str, below: bool, label: int | None, heading: str) -> str:
    from tabulate import tabulate

    headings = [heading, *COLUMNS.values(), "n", "err."]
    cells = [
        [
            row.label if label is None else one_line(row.label, label),
            *(_cell(rate, below) for rate in row.rates.columns.values()),
            str(row.rates.average.n),
            str(row.rates.average.errors),
        ]
        for row in rows
    ]
    align = ["left", *["right"] * (len(headings) - 1)]
    return tabulate(cells, headings, tablefmt=style, colalign=align, disable_numparse=True)


def _cell(rate: Rate, below: bool) -> str:
    if rate.value is None:
        return _NO_DATA
    if rate.low is None or rate.high is None:
        return percent(rate.value)
    interval = f"{rate.low:.0f}–{rate.high:.0f}"
    return f"{percent(rate.value)}\n{interval}" if below else f"{percent(rate.value)} ({interval})"


def percent(value: float) -> str:
    """One decimal, as in the paper; only what is whole is shown as 100.0 or 0.0."""
    if 0 < value < 0.05:
        return "0.1"
    if 99.95 <= value < 100:
        return "99.9"
    return f"{value:.1f}"


def _notes(rows: Sequence[Row]) -> list[str]:
    bootstrapped = any(rate.low is not None for row in rows for rate in row.rates.columns.values())
    notes = ["rates in percent" + (", with 95% intervals bootstrapped over goals" if bootstrapped else "")]
    for row in rows:
        about = f"{one_line(row.label, _LABELS[2])}: " if len(rows) > 1 else ""
        errors = {category: row.rates.columns[category].errors for category in Category}
        if any(errors.values()):
            told = ", ".join(f"{count} {category}" for category, count in errors.items() if count)
            notes.append(f"{about}without a trustworthy verdict, so no successes: {told}")
        if row.rates.unmeasured:
            notes.append(f"{about}{row.rates.unmeasured} of {row.rates.episodes} episodes could not be measured")
    return notes


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|&~])", r"\\\1", text)
