"""``ugst report table``: success rates of runs side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError, unknown


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add ``ugst report table``."""
    from pytest_ugst.cli.options import add_style
    from pytest_ugst.cli.report import add_home

    table = verbs.add_parser(
        "table",
        help="success rates of one run or of several side by side",
        description="Prints the success rates of runs as the paper's tables do: one table per benchmark and one over "
        "all, simulators grouped by method, the best of each column in bold and the second best underlined. Rates come "
        "from the journals; nothing is played.",
    )
    table.add_argument("runs", nargs="+", metavar="RUN", help="a run's name or folder, or 'latest'")
    add_style(table)
    table.add_argument(
        "--intervals",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="95%% intervals, bootstrapped over goals (on)",
    )
    table.add_argument(
        "--method", action="append", default=[], metavar="NAME=RUN", help="put a run's lines below this name"
    )
    table.add_argument("--label", action="append", default=[], metavar="NAME=RUN", help="call a run's simulator this")
    add_home(table)
    table.set_defaults(run=_table)


def _table(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.benchmarks import benchmark_tables, require_shared_goals
    from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
    from pytest_ugst.analysis.success.leaderboard import missing_data, read_leaderboard
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    by_name = named_runs(args.dir, args.runs)
    known = dict(zip(args.runs, by_name, strict=True)) | {name: name for name in by_name}
    contenders = read_leaderboard(
        by_name,
        methods=_named("--method", args.method, known),
        names=_named("--label", args.label, known),
        aliases=read_models(Path.cwd())[0],
        joined=True,
    )
    require_shared_goals(contenders)
    tables = benchmark_tables(contenders, resamples=RESAMPLES if args.intervals else 0)
    write_tables(tables, args, missing_data(by_name))
    return 0


def _named(option: str, given: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """What ``NAME=RUN`` says, by the runs' names.

    Args:
        option: For messages.
        given: Its values.
        known: The runs' names by what was typed for them.

    Raises:
        UsageError: If it is anything else.
    """
    found: dict[str, str] = {}
    for text in given:
        name, _, run = text.partition("=")
        if not name.strip() or not run:
            raise UsageError(f"{option}={text}: write NAME=RUN, such as {option}=GRPO={next(iter(known))}")
        if run not in known:
            raise UsageError(f"{option}={text}: {unknown('run', run, known)}")
        if known[run] in found:
            raise UsageError(f"{option}={text}: {run} is named twice")
        found[known[run]] = name.strip()
    return found
