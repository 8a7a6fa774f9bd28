"""``ugst goals lint``: check goal files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("lint", help="say what is wrong with goal files")
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a goal file, or a folder to search for them"
    )
    parser.set_defaults(handler=_lint)


def _lint(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.files import find_duplicates, goal_files_in, read
    from pytest_ugst.judges.checks import ChecksJudge

    files = goal_files_in(args.paths)
    goals, problems = [], []
    for file in files:
        good, faults = read(file)
        goals += good
        problems += list(map(str, faults))
    problems += find_duplicates(goals)
    checks = ChecksJudge()
    for goal in goals:
        try:
            checks.validate(goal, names=False)
        except UsageError as error:
            problems.append(str(error))
    for problem in problems:
        print(problem)
    parts = sum(len(goal.components or ()) for goal in goals)
    bare = sum(goal.components is None for goal in goals)
    checked = sum(goal.fully_checked for goal in goals)
    print(
        f"{counted(len(files), 'file')}, {counted(len(goals), 'goal')}, {counted(parts, 'sub-component')}; {checked} "
        f"need no judge model, {bare} have to be decomposed; {len(problems)} problems"
    )
    return 1 if problems else 0
