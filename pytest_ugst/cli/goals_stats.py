"""``ugst goals stats``: count, measure and compare goals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands
    from pytest_ugst.goals.statistics import GoalStats


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "stats", help="count, measure and compare goals", description="Describes all goals of these files together."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a goal file, or a folder of them")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(handler=_stats)


def _stats(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.files import goal_files_in, load_goals
    from pytest_ugst.goals.statistics import goal_stats

    files = goal_files_in(args.paths)
    stats = goal_stats(goal for file in files for goal in load_goals(file))
    print(json.dumps(stats.as_dict(), indent=2) if args.json else _table(stats))
    return 0


def _table(stats: GoalStats) -> str:
    """Return the statistics as a table for people."""
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
