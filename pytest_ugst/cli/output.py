"""The output of commands that print tables, as ``--style`` and ``--out`` ask for."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line

if TYPE_CHECKING:
    from pytest_ugst.analysis.tables import Table

SUFFIXES: Mapping[str, str] = {
    ".txt": "terminal",
    ".md": "markdown",
    ".tex": "latex",
    ".csv": "csv",
    ".json": "json",
}
"""The style of a file by the end of its name."""


def check_style(args: argparse.Namespace) -> str:
    """Return the style that the options ask for; to be called before any work is done.

    Raises:
        UsageError: If they ask for none, or the file can't be written.
    """
    from pytest_ugst.utils.files import check_target

    out: Path | None = args.out
    if out is not None:
        check_target(out, f"--out={out}")
    if args.style:
        return str(args.style)
    if out is None:
        return "terminal"
    if out.suffix not in SUFFIXES:
        raise UsageError(
            f"--out={out}: the name says no style; end it with one of {', '.join(SUFFIXES)} or add --style"
        )
    return SUFFIXES[out.suffix]


def write_tables(tables: Sequence[Table], args: argparse.Namespace, notes: Sequence[str] = ()) -> None:
    """Print tables or write them into the file, as the options ask.

    CSV has no place for notes: they are printed to standard error.

    Args:
        tables: At least one table.
        args: The options.
        notes: Notes on all tables, printed below the last one.

    Raises:
        UsageError: If the file can't be written.
    """
    from pytest_ugst.analysis.tables import render
    from pytest_ugst.utils.files import replace_text

    style = check_style(args)
    if style == "csv":
        for note in dict.fromkeys((*_notes(tables), *notes)):
            print(one_line(note), file=sys.stderr)
    *others, last = tables
    tables = [*others, replace(last, notes=(*last.notes, *notes))]
    if args.out is not None:
        replace_text(args.out, render(tables, style))
        return
    # Bold is no colour, but whoever sets NO_COLOR (https://no-color.org) wants no escape sequences.
    ansi = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    print(render(tables, style, width=terminal_width(), ansi=ansi), end="")


def _notes(tables: Sequence[Table]) -> Iterator[str]:
    """Yield the notes that hold for all tables as they are, and the others with the title of their table."""
    for table in tables:
        for note in table.notes:
            general = not table.title or all(note in other.notes for other in tables)
            yield note if general else f"{table.title}: {note}"


def write_text(text: str, out: Path | None) -> None:
    """Print a text, or write it into a file.

    Raises:
        UsageError: If the file can't be written.
    """
    from pytest_ugst.utils.files import replace_text

    if out is None:
        print(text, end="")
    else:
        replace_text(out, text)


def terminal_width() -> int:
    """Return the number of columns that tables are printed in."""
    return min(shutil.get_terminal_size((100, 24)).columns, 140)
