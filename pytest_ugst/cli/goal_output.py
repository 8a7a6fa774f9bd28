"""The output of commands that make goals, as ``--out`` and ``--force`` ask for, and checks of their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal


def check_output(out: Path | None, force: bool) -> None:
    """Check before any work is done that the file can be written and nothing is lost by it.

    Raises:
        UsageError: If the file exists, its name is not a goal file's, or it can't be written.
    """
    from pytest_ugst.goals.files import SUFFIXES
    from pytest_ugst.utils.files import check_target

    if out is None:
        return
    if not out.name.endswith(SUFFIXES):
        raise UsageError(f"{out}: a goal file's name ends with .goal.yaml or .goal.jsonl")
    if out.exists() and not force:
        raise UsageError(f"{out} is there already; name another file, or overwrite it with --force")
    check_target(out, f"--out={out}")


def write_output(out: Path | None, goals: Iterable[Goal]) -> None:
    """Write goals into a file, or print them."""
    from pytest_ugst.goals.writer import to_yaml, write_goals

    if out is None:
        print(to_yaml(goals), end="")
    else:
        print(f"{counted(write_goals(out, goals), 'goal')} written to {out}")


def check_positive(option: str, number: int | None) -> None:
    """Check that the number an option gives, if any, is at least 1.

    Raises:
        UsageError: If it is less.
    """
    if number is not None and number < 1:
        raise UsageError(f"{option}: write a whole number from 1")
