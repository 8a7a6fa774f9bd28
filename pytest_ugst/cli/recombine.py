"""``ugst goals recombine``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ugst.cli.goals import check_output, write_output


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add the command to ``ugst goals``."""
    parser = verbs.add_parser(
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
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="NAME.goal.yaml or NAME.goal.jsonl; without it YAML is printed"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")
    parser.set_defaults(run=_recombine)


def _recombine(args: argparse.Namespace) -> int:
    from pytest_ugst.core.errors import UsageError
    from pytest_ugst.goals.recombine import recombine
    from pytest_ugst.roles.batch import builtin_registry
    from pytest_ugst.roles.goal_lookup import find_goals

    if args.count < 1:
        raise UsageError("--count: write a whole number from 1")
    check_output(args.out, args.force)
    goals = find_goals(args.goals, registry=builtin_registry(), folders=(Path.cwd(),))
    tests = [goal.id for goal in goals if "test" in goal.tags]
    if tests:
        raise UsageError(f"{args.goals}: {tests[0]} is a test goal; name training goals, such as {args.goals}:train")
    write_output(args.out, recombine(goals, args.count, args.seed))
    return 0
