"""``ugst report cost``: calls, tokens, seconds and money of runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_runs, add_table_output
from pytest_ugst.cli.output import check_style, write_tables

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "cost",
        help="calls, tokens, seconds and money, per role, episode and verdict",
        description="Adds up what the episodes of runs cost, from their journals.",
    )
    add_runs(parser)
    add_table_output(parser)
    add_dir(parser)
    parser.set_defaults(handler=_cost)


def _cost(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.cost.metrics import cost
    from pytest_ugst.analysis.cost.table import cost_table
    from pytest_ugst.analysis.success.leaderboard import missing_data
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    runs = named_runs(args.dir, args.runs)
    tables = [cost_table(cost(run.journal), name, missing_data({name: run})) for name, run in runs.items()]
    write_tables(tables, args)
    return 0
