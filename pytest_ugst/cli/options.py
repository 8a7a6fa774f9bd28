"""The options ``--style`` and ``--out`` of commands that print tables."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line

if TYPE_CHECKING:
    from pytest_ugst.analysis.tables import Table

_SUFFIXES = {".txt": "terminal", ".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json"}


def add_style(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    from pytest_ugst.analysis.tables import STYLES

    parser.add_argument(
        "--style", choices=STYLES, help="how to print it (terminal, or what the name of FILE in --out asks for)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"write FILE ({', '.join(_SUFFIXES)}) and print nothing"
    )


def check_style(args: argparse.Namespace) -> str:
    """The style that the options ask for; to be called before any work is done.

    Raises:
        UsageError: If there is none, or the file can't be written.
    """
    from pytest_ugst.utils.files import check_target

    out: Path | None = args.out
    if out is not None:
        check_target(out, f"--out={out}")
    if args.style:
        return str(args.style)
    if out is None:
        return "terminal"
    if out.suffix not in _SUFFIXES:
        raise UsageError(
            f"--out={out}: the name says no style; end it with one of {', '.join(_SUFFIXES)} or add --style"
        )
    return _SUFFIXES[out.suffix]


def write_tables(tables: Sequence[Table], args: argparse.Namespace, notes: Sequence[str] = ()) -> None:
    """Print the tables or write them into the file, as the options ask. CSV has no place for notes: they are printed
    to standard error.

    Args:
        tables: At least one.
        args: The options.
        notes: More that has to be said, about all of them; it stands below the last.

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
    """Notes that hold for all tables as they are, the others with the title of theirs."""
    for table in tables:
        for note in table.notes:
            general = not table.title or all(note in other.notes for other in tables)
            yield note if general else f"{table.title}: {note}"


def write_text(text: str, out: Path | None) -> None:
    """Print a text, or write it into the file.

    Raises:
        UsageError: If the file can't be written.
    """
    from pytest_ugst.utils.files import replace_text

    if out is None:
        print(text, end="")
    else:
        replace_text(out, text)


def terminal_width() -> int:
    """Columns to print tables in."""
    return min(shutil.get_terminal_size((100, 24)).columns, 140)
