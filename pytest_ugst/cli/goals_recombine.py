"""``ugst goals recombine``: make training goals of the parts of others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.goal_output import check_output, check_positive, write_output
from pytest_ugst.cli.options import add_goal_output
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "recombine",
        help="make more goals for training out of the parts of others",
        description="Puts the persons and the tasks of goals together anew, as far as they don't contradict each "
        "other. Only for training: goals made of test goals would give the test away.",
    )
    parser.add_argument(
        "goals", metavar="PATH|SOURCE", help="a goal file, or a goal source with its part, such as concierge:train"
    )
    parser.add_argument("--count", type=int, default=100, metavar="N", help="how many (100)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same goals (0)")
    add_goal_output(parser)
    parser.set_defaults(handler=_recombine)


def _recombine(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.recombine import recombine
    from pytest_ugst.roles.batch import builtin_registry
    from pytest_ugst.roles.goal_lookup import find_goals

    check_positive("--count", args.count)
    check_output(args.out, args.force)
    goals = find_goals(args.goals, registry=builtin_registry(), folders=(Path.cwd(),))
    tests = [goal.id for goal in goals if "test" in goal.tags]
    if tests:
        raise UsageError(f"{args.goals}: {tests[0]} is a test goal; name training goals, such as {args.goals}:train")
    write_output(args.out, recombine(goals, args.count, args.seed))
    return 0
