"""``ugst goals decompose``: cut goals into sub-components with a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.goal_output import check_output, check_positive, write_output
from pytest_ugst.cli.options import (
    add_cache,
    add_data,
    add_decomposer,
    add_dir,
    add_goal_output,
    add_limit,
    add_prompts,
)

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "decompose",
        help="cut goals into sub-components with a model, into a file to read and edit",
        description="Cuts goals into sub-components with a model of yours. Answers are cached: a second call asks the "
        "model only about what is new. Objectives that reference actions decide get a check of the database beside the "
        "judge.",
    )
    parser.add_argument(
        "goals", metavar="PATH|SOURCE", help="a goal file, or a goal source such as airline or retail:train"
    )
    add_decomposer(parser, "cuts the goals into sub-components", old="--judge", required=True)
    parser.add_argument("--against", type=Path, metavar="FILE", help="show how it differs from this goal file")
    add_limit(parser)
    add_data(parser)
    add_prompts(parser)
    add_dir(parser)
    add_cache(parser)
    add_goal_output(parser)
    parser.set_defaults(handler=_decompose)


def _decompose(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.decomposition.batch import decompose_all
    from pytest_ugst.goals.files import load_goals
    from pytest_ugst.goals.outline import difference
    from pytest_ugst.roles.batch import builtin_registry, settings_here
    from pytest_ugst.roles.goal_lookup import find_goals

    check_positive("--limit", args.limit)
    check_output(args.out, args.force)
    older = load_goals(args.against) if args.against is not None else None
    registry = builtin_registry(args.data)
    goals = find_goals(args.goals, registry=registry, folders=(Path.cwd(),))[: args.limit]
    settings = settings_here(decomposer=args.decomposer, prompts=args.prompts, dir=str(args.dir), cache=args.cache)
    done = decompose_all(goals, settings, registry)
    if done.goals and (args.out is not None or older is None):
        write_output(args.out, done.goals)
    if older is not None:
        chosen = {goal.id for goal in goals}
        lines = difference([goal for goal in older if goal.id in chosen], done.goals)
        print("\n".join(lines) if lines else f"no difference from {args.against}")
    for name, why in done.failures.items():
        print(f"ugst: {name}: {why}", file=sys.stderr)
    return 1 if done.failures else 0
