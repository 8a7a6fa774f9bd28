"""``ugst report table``: success rates of runs side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_runs, add_table_output
from pytest_ugst.cli.output import check_style, write_tables
from pytest_ugst.core.errors import UsageError, unknown

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "table",
        help="success rates of one run or of several side by side",
        description="Prints the success rates of runs as the paper's tables do: one table per benchmark and one over "
        "all, simulators grouped by method, the best of each column in bold and the second best underlined. Rates come "
        "from the journals; nothing is played.",
    )
    add_runs(parser)
    add_table_output(parser)
    parser.add_argument(
        "--intervals",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="95%% intervals, bootstrapped over goals (on)",
    )
    parser.add_argument(
        "--method", action="append", default=[], metavar="NAME=RUN", help="put a run's lines below this name"
    )
    parser.add_argument("--label", action="append", default=[], metavar="NAME=RUN", help="call a run's simulator this")
    add_dir(parser)
    parser.set_defaults(handler=_table)


def _table(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.benchmarks import benchmark_tables, require_shared_goals
    from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
    from pytest_ugst.analysis.success.leaderboard import missing_data, read_leaderboard
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    by_name = named_runs(args.dir, args.runs)
    known = dict(zip(args.runs, by_name, strict=True)) | {name: name for name in by_name}
    leaderboard = read_leaderboard(
        by_name,
        methods=_names_of_runs("--method", args.method, known),
        names=_names_of_runs("--label", args.label, known),
        aliases=read_models(Path.cwd())[0],
        joined=True,
    )
    require_shared_goals(leaderboard)
    tables = benchmark_tables(leaderboard, resamples=RESAMPLES if args.intervals else 0)
    write_tables(tables, args, missing_data(by_name))
    return 0


def _names_of_runs(option: str, values: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return the names that values of the form ``NAME=RUN`` give to runs, by the runs' own names.

    Args:
        option: The option, for messages.
        values: The option's values.
        known: The runs' names by the words that were typed for them.

    Raises:
        UsageError: If a value has another form, or a run is unknown or named twice.
    """
    names: dict[str, str] = {}
    for text in values:
        name, _, run = text.partition("=")
        if not name.strip() or not run:
            raise UsageError(f"{option}={text}: write NAME=RUN, such as {option}=GRPO={next(iter(known))}")
        if run not in known:
            raise UsageError(f"{option}={text}: {unknown('run', run, known)}")
        if known[run] in names:
            raise UsageError(f"{option}={text}: {run} is named twice")
        names[known[run]] = name.strip()
    return names
