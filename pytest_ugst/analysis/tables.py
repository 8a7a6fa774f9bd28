"""The record of a table, whatever it shows, and its renderers: for terminals, Markdown, LaTeX, CSV and JSON.

A report builds :class:`Table` records and calls :func:`render`; ``pytest_ugst.cli.options`` gives a command the options
``--style`` and ``--out``. Texts of cells and notes may come from anywhere, models included: each style escapes them.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from pytest_ugst.core.text import one_line

STYLES = ("terminal", "markdown", "latex", "csv", "json")
NO_DATA = "–"
"""Printed in place of a value that is missing."""
_LABELS = (40, 24, 16, 10)  # characters of a line's label at most, the first that fits

Value = str | int | float | None


class Mark(StrEnum):
    """The mark of a cell that stands out in its column."""

    BEST = "best"
    """Printed bold."""
    SECOND = "second"
    """Printed underlined."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: a value, and how it is printed."""

    value: Value = None
    """Value in full precision, for CSV and JSON."""
    text: str | None = None
    """Printed form of the value; the value itself where it is None."""
    aside: str = ""
    """Text printed smaller, beside the main text or below it: an interval."""
    mark: Mark | None = None
    """Mark of the cell, if any."""
    more: Mapping[str, Value] = field(default_factory=dict)
    """Further values for CSV (as ``COLUMN_NAME``) and JSON: counts, ends of an interval."""

    @property
    def shown(self) -> str:
        """The printed text, on one line."""
        if self.text is not None:
            return one_line(self.text)
        return NO_DATA if self.value is None else one_line(str(self.value))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    """Name of the column in CSV and JSON."""
    heading: str | None = ""
    """Printed heading; None where the column is for CSV and JSON only."""
    kind: Literal["value", "prose", "link"] = "value"
    """Kind of content: in LaTeX prose wraps over several lines, and links are left out."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table."""

    cells: tuple[Cell, ...]
    """One cell per column; the first is the line's label."""
    group: str = ""
    """Name of the line's group; consecutive lines of one group are printed below its name."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be rendered in every style."""

    columns: tuple[Column, ...]
    """Columns, the labels' column first."""
    lines: tuple[Line, ...]
    """Lines in the order of printing."""
    title: str = ""
    """Title above the table; empty for none."""
    notes: tuple[str, ...] = ()
    """Notes on how to read the numbers, each on a line of its own below the table."""

    def __post_init__(self) -> None:
        """Check that every line has one cell per column."""
        assert all(len(line.cells) == len(self.columns) for line in self.lines)


def rank_marks(shown: Sequence[float | None], *, lowest: bool = False) -> list[Mark | None]:
    """Return the marks of a column: for all cells that share the best value, and for all that share the second best.

    A column with a single number gets no marks.

    Args:
        shown: The values as they are printed, so that values that look equal are equal; None for a missing value.
        lowest: Whether lower values are better.
    """
    known = sorted({value for value in shown if value is not None}, reverse=not lowest)
    if sum(value is not None for value in shown) < 2:
        return [None] * len(shown)
    marks = dict(zip(known, Mark, strict=False))
    return [None if value is None else marks.get(value) for value in shown]


def render(tables: Sequence[Table], style: str, *, width: int = 100, ansi: bool = False) -> str:
    """Return tables as text that ends with a line break.

    Args:
        tables: The tables, in the order of printing.
        style: One of :data:`STYLES`.
        width: Width of the terminal, in characters; lines stay within it where the table allows it.
        ansi: Whether the terminal shows bold and underlined text.

    Raises:
        ValueError: If there is no such style.
    """
    if style == "terminal":
        return "\n".join(render_terminal(table, width=width, ansi=ansi) for table in tables)
    if style == "markdown":
        return "\n".join(map(_markdown, tables))
    if style == "latex":
        return "% needs \\usepackage{booktabs}\n" + "\n".join(map(_latex, tables))
    if style == "csv":
        return _csv(tables)
    if style == "json":
        return json.dumps({"tables": [_to_data(table) for table in tables]}, indent=2) + "\n"
    raise ValueError(f"{style!r} is none of {', '.join(STYLES)}")


# Terminal


def render_terminal(table: Table, *, width: int = 100, ansi: bool = False, notes: bool = True) -> str:
    """Return one table for a terminal.

    Asides are printed beside the numbers where there is room, else below them.

    Args:
        table: A table of at least one line.
        width: Width of the terminal, in characters; lines stay within it where the table allows it.
        ansi: Whether to show marks, titles and groups as bold and underlined text.
        notes: Whether to print the table's notes as well.
    """
    indent = "  " if any(line.group for line in table.lines) else ""
    for label, below in ((_LABELS[0], False), *((label, True) for label in _LABELS)):
        shortened = _shorten([line.cells[0].shown for line in table.lines], label)
        drawn = _draw(table, below, shortened, ansi, indent)
        if max(len(re.sub(r"\x1b\[\dm", "", line)) for line in drawn) <= width:
            break
    cut = [f"{short} is {full}" for full, short in shortened.items() if short != full]
    below_table = [one_line(note) for note in _all_notes(table, ansi)] if notes else []
    title = [_ansi(one_line(table.title), "1", ansi)] if table.title else []
    return "\n".join([*title, *drawn, *below_table, *(one_line(note, width) for note in cut)]) + "\n"


def _shorten(labels: Sequence[str], limit: int) -> dict[str, str]:
    """Return labels of at most ``limit`` characters by the full ones; labels that begin alike keep their ends."""
    short = {label: one_line(label, limit) for label in labels}
    seen = Counter(short.values())
    start = limit // 3
    return {
        label: cut if seen[cut] == 1 else f"{label[:start].rstrip()}…{label[start + 1 - limit :].lstrip()}"
        for label, cut in short.items()
    }


def _draw(table: Table, below: bool, labels: Mapping[str, str], ansi: bool, indent: str) -> list[str]:
    """Return the lines of a table for a terminal, without title and notes."""
    from tabulate import tabulate

    printed = _printed_columns(table)

    def text(number: int, cell: Cell) -> str:
        code = "" if cell.mark is None else "1" if cell.mark is Mark.BEST else "4"
        shown = _ansi(cell.shown if number else labels[cell.shown], code, ansi)
        if not cell.aside:
            return shown
        return f"{shown}\n{one_line(cell.aside)}" if below else f"{shown} ({one_line(cell.aside)})"

    cells = [[text(number, line.cells[number]) for number in printed] for line in table.lines]
    headings = [one_line(table.columns[number].heading or "") for number in printed]
    align = ["left", *["right"] * (len(headings) - 1)]
    drawn = tabulate(cells, headings, tablefmt="simple", colalign=align, disable_numparse=True).splitlines()
    lines = [indent + line for line in drawn[:2]]
    start, group = 2, ""
    for texts, line in zip(cells, table.lines, strict=True):
        if line.group != group:
            group = line.group
            lines.append(_ansi(one_line(group), "1", ansi))
        stop = start + max(text.count("\n") for text in texts) + 1
        lines += [indent + line for line in drawn[start:stop]]
        start = stop
    return [line.rstrip() for line in lines]


def _ansi(text: str, code: str, ansi: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if ansi and code and text else text


def _all_notes(table: Table, marked: bool) -> Sequence[str]:
    """Return the table's notes, preceded by the meaning of the marks where marks are shown."""
    if marked and any(cell.mark for line in table.lines for cell in line.cells):
        return ("best of a column in bold, second best underlined", *table.notes)
    return table.notes


def _printed_columns(table: Table) -> list[int]:
    """Return the numbers of the columns that are printed, and not for CSV and JSON only."""
    return [number for number, column in enumerate(table.columns) if column.heading is not None]


# Markdown


def escape_markdown(text: str) -> str:
    """Return the text on one line, escaped so that GitHub's Markdown shows it unchanged."""
    return re.sub(r"([\\`*_{}\[\]<>|&~#$])", r"\\\1", one_line(text))


def _markdown(table: Table) -> str:
    from tabulate import tabulate

    printed = _printed_columns(table)

    def text(cell: Cell) -> str:
        shown = escape_markdown(cell.shown)
        if cell.mark is not None:
            # GitHub lets <ins> through, which browsers underline, and takes <u> away.
            shown = f"**{shown}**" if cell.mark is Mark.BEST else f"<ins>{shown}</ins>"
        return f"{shown} ({escape_markdown(cell.aside)})" if cell.aside else shown

    rows, group = [], ""
    for line in table.lines:
        if line.group != group:
            group = line.group
            rows.append([f"**{escape_markdown(group)}**", *[""] * (len(printed) - 1)])
        rows.append([text(line.cells[number]) for number in printed])
    headings = [escape_markdown(table.columns[number].heading or "") for number in printed]
    align = ["left", *["right"] * (len(headings) - 1)]
    drawn = tabulate(rows, headings, tablefmt="github", colalign=align, disable_numparse=True)
    title = [f"### {escape_markdown(table.title)}", ""] if table.title else []
    lines = _all_notes(table, True)
    notes = ["", *(f"{escape_markdown(note)}  " for note in lines)] if lines else []
    return "\n".join([*title, drawn, *notes]).rstrip() + "\n"


# LaTeX

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    # At the start of a line these would be arguments of the rule or the line break before it.
    **{character: f"{{{character}}}" for character in "[*"},
}


def escape_latex(text: str) -> str:
    """Return the text on one line, escaped so that LaTeX prints it unchanged.

    Characters that pdfLaTeX's fonts lack, such as emoji, are printed by their code points (``U+1F600``).
    """
    return "".join(map(_escape_character, one_line(text)))


def _escape_character(character: str) -> str:
    if ord(character) > 0xFFFF or unicodedata.category(character) in ("So", "Cn", "Co"):
        return f"U+{ord(character):04X}"
    return _LATEX.get(character, character)


_PROSE: Final = 0.5
"""Share of the line width that all columns of prose take together."""


def _latex(table: Table) -> str:
    """Return a table for LaTeX; asides are printed below their numbers, since columns of a page are narrow."""
    printed = [number for number in _printed_columns(table) if table.columns[number].kind != "link"]

    def text(cell: Cell) -> str:
        shown = escape_latex(cell.shown)
        if cell.mark is None:
            return shown
        return f"\\{'textbf' if cell.mark is Mark.BEST else 'underline'}{{{shown}}}"

    def aside(cell: Cell) -> str:
        return f"{{\\scriptsize {escape_latex(cell.aside)}}}" if cell.aside else ""

    headings = " & ".join(escape_latex(table.columns[number].heading or "") for number in printed)
    prose = sum(table.columns[number].kind == "prose" for number in printed)
    wide = f"p{{{_PROSE / prose:.2g}\\linewidth}}" if prose else ""
    kinds = [wide if table.columns[number].kind == "prose" else "r" for number in printed[1:]]
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\small\setlength{\tabcolsep}{4pt}",
        f"\\begin{{tabular}}{{l{''.join(kinds)}}}",
    ]
    lines += [r"\toprule", f"{headings} \\\\", r"\midrule"]
    group = ""
    for line in table.lines:
        if line.group != group:
            lines += [r"\midrule"] if group else []
            group = line.group
            lines.append(f"\\multicolumn{{{len(printed)}}}{{l}}{{\\textbf{{{escape_latex(group)}}}}} \\\\")
        cells = [line.cells[number] for number in printed]
        lines.append(" & ".join(map(text, cells)) + r" \\")
        if any(cell.aside for cell in cells):
            lines[-1] += "[-1pt]"
            lines.append(" & ".join(map(aside, cells)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if notes := [f"{escape_latex(note)}." for note in _all_notes(table, True)]:
        lines += [r"\par\smallskip", f"\\parbox{{\\linewidth}}{{\\footnotesize {' '.join(notes)}}}"]
    lines += [f"\\caption{{{escape_latex(table.title)}}}"] if table.title else []
    return "\n".join([*lines, r"\end{table}"]) + "\n"


# CSV and JSON


def _csv(tables: Sequence[Table]) -> str:
    """Return all tables as one CSV table, with titles and groups in columns of their own; notes are left out."""
    rows: list[dict[str, Value]] = []
    for table in tables:
        for line in table.lines:
            row: dict[str, Value] = {"table": table.title, "group": line.group}
            for column, cell in zip(table.columns, line.cells, strict=True):
                row[column.name] = cell.value
                row |= {f"{column.name}_{name}": value for name, value in cell.more.items()}
            rows.append({name: _as_plain_text(value) for name, value in row.items()})
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _as_plain_text(value: Value) -> Value:
    """Return a value for a spreadsheet: a text on one line, quoted where it would be run as a formula."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _to_data(table: Table) -> dict[str, object]:
    lines = []
    for line in table.lines:
        cells = {
            column.name: {"value": cell.value, **cell.more} if cell.more else cell.value
            for column, cell in zip(table.columns, line.cells, strict=True)
        }
        lines.append({"group": line.group, **cells})
    return {"title": table.title, "lines": lines, "notes": list(table.notes)}
