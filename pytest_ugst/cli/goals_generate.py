"""``ugst goals generate``: make goals from a database, user profiles and user policies."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.goal_output import check_output, check_positive, write_output
from pytest_ugst.cli.options import add_data, add_decomposer, add_dir, add_goal_output

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.domains.multiwoz.challenge import Pools, SplitDatabase


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "generate",
        help="make goals from a database, user profiles and user policies",
        description="Makes goals with known sub-components and checks: objectives from the database's entities "
        "(normal, impossible, conditional), a user profile, two user policies. The same seed gives the same file. The "
        "test and the train part share no entity, and no profile with the same policies, whatever the seed.",
    )
    parser.add_argument("domain", choices=("multiwoz",), help="whose entities")
    add_data(parser)
    parser.add_argument("--seed", type=int, metavar="N", help="default: the shipped set's")
    parser.add_argument("--count", type=int, default=150, metavar="N", help="how many goals (150)")
    parser.add_argument("--split", choices=("test", "train"), default="test", help="which part (test)")
    parser.add_argument(
        "--profiles", type=Path, action="append", default=[], metavar="FILE", help="more user profiles, as YAML"
    )
    parser.add_argument(
        "--policies", type=Path, action="append", default=[], metavar="FILE", help="more user policies, as YAML"
    )
    add_decomposer(parser, "words the objectives in place of templates", old="--model")
    add_dir(parser)
    add_goal_output(parser)
    parser.set_defaults(handler=_generate)


def _generate(args: argparse.Namespace) -> int:
    from pytest_ugst.config.data_dirs import DataDirs
    from pytest_ugst.domains.multiwoz import read_database
    from pytest_ugst.domains.multiwoz.challenge import SplitDatabase, generate, load_pools
    from pytest_ugst.domains.multiwoz.challenge.source import SEED

    check_positive("--count", args.count)
    check_output(args.out, args.force)
    database = SplitDatabase(read_database(DataDirs(args.data).locate("multiwoz")))
    pools = load_pools(args.profiles, args.policies)
    seed = SEED if args.seed is None else args.seed
    goals: Iterable[Goal]
    if args.decomposer is None:
        goals = generate(database, pools, seed, args.count, args.split)
    else:
        goals = _by_model(args, database, pools, seed)
    write_output(args.out, goals)
    return 0


def _by_model(args: argparse.Namespace, database: SplitDatabase, pools: Pools, seed: int) -> list[Goal]:
    from pytest_ugst.roles.batch import builtin_registry, settings_here
    from pytest_ugst.roles.generate_goals import generate_by_model

    settings = settings_here(decomposer=args.decomposer, dir=str(args.dir))
    return generate_by_model(database, pools, seed, args.count, args.split, settings, builtin_registry())
