"""``ugst goals disagreements``: list where checks and judge differ."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_data, add_dir, add_run

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "disagreements",
        help="list where a check beside the judge says something else than the judge",
        description="Evaluates the checks that stand beside the judge in a run's episodes, and where reference actions "
        "decide an objective, whether the database ended as they leave it; lists where that and the judge differ.",
    )
    add_run(parser)
    add_dir(parser)
    add_data(parser)
    parser.set_defaults(handler=_disagreements)


def _disagreements(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.agreement.disagreement import compare
    from pytest_ugst.cli.sources import with_reference_checks
    from pytest_ugst.runs.reader import open_run

    run = open_run(args.dir, args.run)
    opinions = compare(*with_reference_checks(run, args.data))
    for one in sorted(opinions.differing, key=lambda one: (one.episode, one.component)):
        judge = f"{one.judge} in turn {one.judge_turn}" if one.judge_turn else str(one.judge)
        check = f"{one.check} in turn {one.check_turn}" if one.check_turn else str(one.check)
        print(f"{one.episode} {one.component}: judge {judge}, check {check}: {' '.join(one.text.split())[:200]}")
    undecided = f"; {opinions.undecided} without a trustworthy verdict" if opinions.undecided else ""
    print(f"{run.name}: {len(opinions.differing)} of {opinions.compared} second opinions differ{undecided}")
    return 0
