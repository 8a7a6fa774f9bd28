"""``ugst report failures``: in which ways simulators failed their goals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pytest_ugst.cli.options import add_cache, add_dir, add_judge, add_prompts, add_runs, add_table_output
from pytest_ugst.cli.output import check_style, write_tables
from pytest_ugst.core.text import one_line

if TYPE_CHECKING:
    from pytest_ugst.analysis.failures.episodes import ClassifiedRuns, EpisodeFailures
    from pytest_ugst.cli.options import Commands
    from pytest_ugst.runs.run import StoredRun


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "failures",
        help="in which ways simulators failed their goals",
        description="Sorts failed episodes into the paper's five failure patterns: confusion, contradiction, wrongful "
        "termination, poor length management, misprioritization. Rules decide from goal states and record; with "
        "--judge a model is asked where rules can only guess. Rates come from the journals; nothing is played.",
    )
    add_runs(parser)
    parser.add_argument(
        "--list", action="store_true", help="list the failed episodes first, on the terminal also with --out"
    )
    add_judge(parser, "decides where rules can only guess")
    add_prompts(parser)
    add_cache(parser)
    add_table_output(parser)
    add_dir(parser)
    parser.set_defaults(handler=_failures)


def _failures(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.failures.shares import shares
    from pytest_ugst.analysis.failures.table import failures_table
    from pytest_ugst.analysis.success.leaderboard import EntryIndex, entry_differences, missing_data, read_leaderboard
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    style = check_style(args)
    runs = named_runs(args.dir, args.runs)
    leaderboard = read_leaderboard(runs, aliases=read_models(Path.cwd())[0])
    classified = _classified(args, runs)
    index = EntryIndex(leaderboard)
    found: list[list[EpisodeFailures]] = [[] for _ in leaderboard]
    for name, episodes in classified.episodes.items():
        for one in episodes:
            found[index.position(name, one.setting)].append(one)
    by_name = {entry.name: episodes for entry, episodes in zip(leaderboard, found, strict=True)}
    if args.list:
        # A table for a file or a program stays free of it.
        _list(by_name, sys.stdout if style == "terminal" or args.out is not None else sys.stderr)
    table = failures_table({name: shares(episodes) for name, episodes in by_name.items()}, judge=args.judge)
    write_tables([table], args, [*entry_differences(leaderboard), *missing_data(runs)])
    for message in classified.errors:
        print(f"ugst: {message}", file=sys.stderr)
    return 1 if classified.errors else 0


def _list(by_name: Mapping[str, list[EpisodeFailures]], stream: TextIO) -> None:
    """Print the failed episodes of all simulators."""
    from pytest_ugst.analysis.failures.table import failure_lines

    for name, episodes in by_name.items():
        heading = [one_line(name)] if len(by_name) > 1 else []
        print("\n".join([*heading, *(failure_lines(episodes) or ["no episode failed"]), ""]), file=stream)


def _classified(args: argparse.Namespace, runs: Mapping[str, StoredRun]) -> ClassifiedRuns:
    """Return the failures of all episodes: by rule, and where rules only guess by the model that ``--judge`` names."""
    if args.judge is None:
        from pytest_ugst.analysis.failures.episodes import classify_by_rule

        return classify_by_rule(runs)
    from pytest_ugst.analysis.failures.batch import classify_all
    from pytest_ugst.roles.batch import builtin_registry, settings_here

    settings = settings_here(judge=args.judge, prompts=args.prompts, dir=str(args.dir), cache=args.cache)
    return classify_all(runs, settings, builtin_registry())
