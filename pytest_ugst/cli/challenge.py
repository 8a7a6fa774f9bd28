"""``ugst goals generate|stats``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.cli.goals import check_output, write_output
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.goals.statistics import GoalStats


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to ``ugst goals``."""
    generating = verbs.add_parser(
        "generate",
        help="make goals from a database, user profiles and user policies",
        description="Makes goals with known sub-components and checks: objectives from the database's entities "
        "(normal, impossible, conditional), a user profile, two user policies. The same seed gives the same file. The "
        "test and the train part share no entity, and no profile with the same policies, whatever the seed.",
    )
    generating.add_argument("domain", choices=("multiwoz",), help="whose entities")
    generating.add_argument("--data", type=Path, metavar="DIR", help="your copy of MultiWOZ; else what was fetched")
    generating.add_argument("--seed", type=int, metavar="N", help="default: the shipped set's")
    generating.add_argument("--count", type=int, default=150, metavar="N", help="how many goals (150)")
    generating.add_argument("--split", choices=("test", "train"), default="test", help="which part (test)")
    generating.add_argument(
        "--profiles", type=Path, action="append", default=[], metavar="FILE", help="more user profiles, as YAML"
    )
    generating.add_argument(
        "--policies", type=Path, action="append", default=[], metavar="FILE", help="more user policies, as YAML"
    )
    generating.add_argument("--model", metavar="NAME", help="a model that words the objectives, in place of templates")
    generating.add_argument("--dir", default=".ugst", metavar="DIR", help="where the response cache is (.ugst)")
    generating.add_argument(
        "--out", type=Path, metavar="FILE", help="NAME.goal.yaml or NAME.goal.jsonl; without it YAML is printed"
    )
    generating.add_argument("--force", action="store_true", help="overwrite FILE if it is there")
    generating.set_defaults(run=_generate)

    describing = verbs.add_parser(
        "stats", help="count, measure and compare goals", description="Describes all goals of these files together."
    )
    describing.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a goal file, or a folder of them")
    describing.add_argument("--json", action="store_true", help="as JSON")
    describing.set_defaults(run=_stats)


def _generate(args: argparse.Namespace) -> int:
    from pytest_ugst.config.data_dirs import DataDirs
    from pytest_ugst.domains.multiwoz import read_database
    from pytest_ugst.domains.multiwoz.challenge import SplitDatabase, generate, load_pools
    from pytest_ugst.domains.multiwoz.challenge.source import SEED

    if args.count < 1:
        raise UsageError("--count: write a whole number from 1")
    check_output(args.out, args.force)
    database = SplitDatabase(read_database(DataDirs(args.data).locate("multiwoz")))
    pools = load_pools(args.profiles, args.policies)
    seed = SEED if args.seed is None else args.seed
    goals: Iterable[Goal]
    if args.model is None:
        goals = generate(database, pools, seed, args.count, args.split)
    else:
        goals = _by_model(args, database, pools, seed)
    write_output(args.out, goals)
    return 0


def _by_model(args: argparse.Namespace, database: Any, pools: Any, seed: int) -> list[Goal]:
    from pytest_ugst.roles.batch import builtin_registry, settings_here
    from pytest_ugst.roles.generate_goals import generate_by_model

    settings = settings_here(decomposer=args.model, dir=args.dir)
    return generate_by_model(database, pools, seed, args.count, args.split, settings, builtin_registry())


def _stats(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.files import goal_files_in, load_goals
    from pytest_ugst.goals.statistics import goal_stats

    files = goal_files_in(args.paths)
    stats = goal_stats(goal for file in files for goal in load_goals(file))
    print(json.dumps(stats.as_dict(), indent=2) if args.json else table(stats))
    return 0


def table(stats: GoalStats) -> str:
    """The statistics for people."""
    from tabulate import tabulate

    rows: list[tuple[str, str]] = [("goals", str(stats.goals))]
    rows += [(f"domain {name}", str(count)) for name, count in stats.domains.items()]
    rows += [(f"goals with kind {kind}", str(count)) for kind, count in stats.kinds.items() if count]
    rows += [(f"goals with {number} objectives", str(count)) for number, count in stats.objectives_per_goal.items()]
    rows += [(f"objectives about {name}", str(count)) for name, count in stats.about.items()]
    rows += [
        (f"{name} sub-components", f"{count} ({stats.checked[name]} with a check)")
        for name, count in stats.components.items()
    ]
    if stats.words is not None:
        low, middle, mean, high = stats.words.least, stats.words.median, stats.words.mean, stats.words.most
        rows.append(("words a goal", f"{low} to {high}, mean {mean}, median {middle:g}"))
    rows += [
        ("different words", str(stats.vocabulary)),
        ("distinct-1, distinct-2", f"{stats.distinct_1:.3f}, {stats.distinct_2:.3f}"),
        ("type-token ratio in windows of 500 words", f"{stats.windowed_ttr:.3f}"),
        (
            "near-duplicates (Jaccard of 3-word runs >= 0.6)",
            f"{stats.near_duplicates} ({stats.near_duplicate_rate:.1%})",
        ),
    ]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)
