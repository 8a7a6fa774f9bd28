"""``ugst goals import``: turn another project's goals into goal files."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.goal_output import check_output, check_positive, write_output
from pytest_ugst.cli.options import add_data, add_goal_output, add_limit
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands

SOURCES = ("tau-bench", "tau2-bench", "multiwoz")
"""The projects whose goals are read."""


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("import", help="turn another project's goals into goal files")
    parser.add_argument("source", choices=SOURCES, help="where the goals come from")
    add_data(
        parser,
        help="your copy of that project; else what was fetched (which of MultiWOZ is the database without the goals: "
        "give the folder of its data.json)",
    )
    parser.add_argument(
        "--domain",
        metavar="NAME",
        help="only this domain's goals (tau-bench, tau2-bench: airline, retail; multiwoz: restaurant, hotel, "
        "attraction, train, taxi, police, hospital)",
    )
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="only this part (tau-bench, multiwoz: test, train, dev; tau2-bench: test, train, and base for both)",
    )
    add_limit(parser)
    add_goal_output(parser)
    parser.set_defaults(handler=_import)


def _import(args: argparse.Namespace) -> int:
    from pytest_ugst.domains.multiwoz.goals import import_multiwoz
    from pytest_ugst.domains.tau.goals import import_tau_bench
    from pytest_ugst.domains.tau.goals_tau2 import import_tau2_bench

    check_positive("--limit", args.limit)
    check_output(args.out, args.force)
    readers = dict(zip(SOURCES, (import_tau_bench, import_tau2_bench, import_multiwoz), strict=True))
    goals = readers[args.source](args.data or _fetched(args.source), args.domain, args.split)
    write_output(args.out, itertools.islice(goals, args.limit))
    return 0


def _fetched(source: str) -> Path:
    """Return the folder of a project that was fetched.

    Raises:
        UsageError: If it is not there, or holds no goals.
    """
    from pytest_ugst.config.data_dirs import USUAL_PLACES, DataMissingError
    from pytest_ugst.domains.multiwoz.goals import REMEDY

    try:
        return USUAL_PLACES.locate(source)
    except DataMissingError:
        if source == "multiwoz":  # the part that could be fetched holds no goals
            raise UsageError(f"name the folder of MultiWOZ's data.json; {REMEDY}") from None
        raise
