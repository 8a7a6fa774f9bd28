"""``ugst report failures`` and ``ugst report blame``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line

if TYPE_CHECKING:
    from pytest_ugst.analysis.failures.attribution import AttributionSummary
    from pytest_ugst.analysis.failures.episodes import ClassifiedRuns, EpisodeFailures
    from pytest_ugst.runs.run import StoredRun


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to ``ugst report``."""
    from pytest_ugst.cli.options import add_style
    from pytest_ugst.cli.report import add_home

    failures = verbs.add_parser(
        "failures",
        help="in which ways simulators failed their goals",
        description="Sorts failed episodes into the paper's five failure patterns: confusion, contradiction, wrongful "
        "termination, poor length management, misprioritization. Rules decide from goal states and record; with "
        "--judge a model is asked where rules can only guess. Rates come from the journals; nothing is played.",
    )
    failures.add_argument("runs", nargs="+", metavar="RUN", help="a run's name or folder, or 'latest'")
    failures.add_argument(
        "--list", action="store_true", help="list the failed episodes first, on the terminal also with --out"
    )
    failures.add_argument("--judge", metavar="MODEL", help="ask this model, named as for --ugst-judge")
    failures.add_argument("--prompts", default="", metavar="DIR", help="as --ugst-prompts")
    failures.add_argument(
        "--cache", choices=("off", "read", "on", "refresh"), default="on", help="as --ugst-cache (on)"
    )
    add_style(failures)
    add_home(failures)
    failures.set_defaults(run=_failures)

    blaming = verbs.add_parser(
        "blame",
        help="whose fault failed tasks are, the agent's or the simulator's",
        description="For domains that score the agent's work (airline, retail): attributes every failed task to the "
        "simulator, the agent or both, from the goal states, and shows the agent's score raw and over the episodes "
        "whose simulator stayed on its goal. Nothing is played.",
    )
    blaming.add_argument("runs", nargs="+", metavar="RUN", help="a run's name or folder, or 'latest'")
    add_style(blaming)
    add_home(blaming)
    blaming.set_defaults(run=_blame)


def _failures(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.failures.shares import shares
    from pytest_ugst.analysis.failures.table import failure_lines, failures_table
    from pytest_ugst.analysis.success.leaderboard import EntryIndex, entry_differences, missing_data, read_leaderboard
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    style = check_style(args)
    runs = named_runs(args.dir, args.runs)
    contenders = read_leaderboard(runs, aliases=read_models(Path.cwd())[0])
    classified = _classified(args, runs)
    owners = EntryIndex(contenders)
    found: list[list[EpisodeFailures]] = [[] for _ in contenders]
    for name, episodes in classified.episodes.items():
        for one in episodes:
            found[owners.position(name, one.setting)].append(one)
    if args.list:
        # A table for a file or a program stays free of it.
        aside = sys.stdout if style == "terminal" or args.out is not None else sys.stderr
        for contender, episodes in zip(contenders, found, strict=True):
            lines = failure_lines(episodes)
            heading = [one_line(contender.name)] if len(found) > 1 else []
            print("\n".join([*heading, *(lines or ["no episode failed"]), ""]), file=aside)
    lines_of = {one.name: shares(episodes) for one, episodes in zip(contenders, found, strict=True)}
    table = failures_table(lines_of, judge=args.judge)
    write_tables([table], args, [*entry_differences(contenders), *missing_data(runs)])
    for message in classified.errors:
        print(f"ugst: {message}", file=sys.stderr)
    return 1 if classified.errors else 0


def _classified(args: argparse.Namespace, runs: Mapping[str, StoredRun]) -> ClassifiedRuns:
    """Return the failures of all episodes: by rule, and where rules only guess by the model that ``--judge`` names."""
    if args.judge is None:
        from pytest_ugst.analysis.failures.episodes import classify_by_rule

        return classify_by_rule(runs)
    from pytest_ugst.analysis.failures.batch import classify_all
    from pytest_ugst.roles.batch import builtin_registry, settings_here

    settings = settings_here(judge=args.judge, prompts=args.prompts, dir=str(args.dir), cache=args.cache)
    return classify_all(runs, settings, builtin_registry())


def _blame(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.failures.attribution import attribution_summary
    from pytest_ugst.analysis.failures.attribution_table import attribution_table, attributions
    from pytest_ugst.analysis.success.leaderboard import goal_differences, missing_data, read_leaderboard
    from pytest_ugst.analysis.success.systems import setting_differences
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    runs = named_runs(args.dir, args.runs)
    found: dict[str, dict[str, AttributionSummary]] = {}
    asked: dict[str, list[tuple[str, set[str]]]] = {}
    contenders = read_leaderboard(runs, aliases=read_models(Path.cwd())[0])
    for one in contenders:
        for benchmark, played in one.system.benchmarks.items():
            if attributed := attributions(played.outcomes):
                found.setdefault(benchmark, {})[one.name] = attribution_summary(attributed)
                asked.setdefault(benchmark, []).append((one.name, {episode.goal for episode in attributed}))
    if not found:
        raise UsageError(
            f"{', '.join(args.runs)}: no episode has a score of the agent's work; the domains airline and retail give "
            "one where a goal brings reference actions"
        )
    tables = [attribution_table(by_label, name, goal_differences(asked[name])) for name, by_label in found.items()]
    scored = {name for by_label in found.values() for name in by_label}
    beside = setting_differences([(one.name, one.system.setting) for one in contenders if one.name in scored])
    write_tables(tables, args, [*beside, *missing_data(runs)])
    return 0
