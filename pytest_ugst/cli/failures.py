"""``ugst report failures`` and ``ugst report blame``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line

if TYPE_CHECKING:
    from pytest_ugst.analysis.failures.attribution import Blame
    from pytest_ugst.analysis.failures.record import Failure
    from pytest_ugst.analysis.failures.shares import Classified
    from pytest_ugst.core.episode import Episode, EpisodeConfig
    from pytest_ugst.roles.resolver import RoleResolver
    from pytest_ugst.runs.run import Run


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
    from pytest_ugst.analysis.success.leaderboard import Owners, read_contenders, shortcomings, unlike
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    style = check_style(args)
    runs = named_runs(args.dir, args.runs)
    contenders = read_contenders(runs, aliases=read_models(Path.cwd())[0])
    told: list[str] = []
    owners = Owners(contenders)
    found: list[list[Classified]] = [[] for _ in contenders]
    for name, classified in (_by_rule(runs) if args.judge is None else _judged(args, runs, told)).items():
        for setting, one in classified:
            found[owners.place(name, setting)].append(one)
    if args.list:
        # A table for a file or a program stays free of it.
        aside = sys.stdout if style == "terminal" or args.out is not None else sys.stderr
        for contender, episodes in zip(contenders, found, strict=True):
            lines = failure_lines(episodes)
            heading = [one_line(contender.name)] if len(found) > 1 else []
            print("\n".join([*heading, *(lines or ["no episode failed"]), ""]), file=aside)
    lines_of = {one.name: shares(episodes) for one, episodes in zip(contenders, found, strict=True)}
    table = failures_table(lines_of, judge=args.judge)
    write_tables([table], args, [*unlike(contenders), *shortcomings(runs)])
    for line in told:
        print(f"ugst: {line}", file=sys.stderr)
    return 1 if told else 0


def _blame(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.failures.attribution import blame
    from pytest_ugst.analysis.failures.attribution_table import attributions, blame_table
    from pytest_ugst.analysis.success.leaderboard import read_contenders, shortcomings, unlike_goals
    from pytest_ugst.analysis.success.systems import differences
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    runs = named_runs(args.dir, args.runs)
    found: dict[str, dict[str, Blame]] = {}
    asked: dict[str, list[tuple[str, set[str]]]] = {}
    contenders = read_contenders(runs, aliases=read_models(Path.cwd())[0])
    for one in contenders:
        for benchmark, played in one.entrant.benchmarks.items():
            if attributed := attributions(played.outcomes):
                found.setdefault(benchmark, {})[one.name] = blame(attributed)
                asked.setdefault(benchmark, []).append((one.name, {episode.goal for episode in attributed}))
    if not found:
        raise UsageError(
            f"{', '.join(args.runs)}: no episode has a score of the agent's work; the domains airline and retail give "
            "one where a goal brings reference actions"
        )
    tables = [blame_table(by_label, name, unlike_goals(asked[name])) for name, by_label in found.items()]
    scored = {name for by_label in found.values() for name in by_label}
    beside = differences([(one.name, one.entrant.setting) for one in contenders if one.name in scored])
    write_tables(tables, args, [*beside, *shortcomings(runs)])
    return 0


def _by_rule(runs: Mapping[str, Run]) -> dict[str, list[tuple[EpisodeConfig, Classified]]]:
    """By the runs' names."""
    from pytest_ugst.analysis.failures.patterns import classify
    from pytest_ugst.analysis.failures.shares import classified

    return {
        name: [(episode.setting, classified(episode, classify(episode))) for episode in run.journal]
        for name, run in runs.items()
    }


def _judged(
    args: argparse.Namespace, runs: Mapping[str, Run], told: list[str]
) -> dict[str, list[tuple[EpisodeConfig, Classified]]]:
    """With a model's word where rules only guess; where it gives none, the rules' guess stays and ``told`` says so."""
    from pytest_ugst.roles.batch import builtin_registry, run_with_models, settings_here
    from pytest_ugst.utils.progress import ProgressLine

    registry = builtin_registry()
    if args.judge.partition(":")[0] in registry.judges:
        raise UsageError(f"--judge={args.judge}: only a model can be asked; leave it out to go by the rules alone")
    settings = settings_here(judge=args.judge, prompts=args.prompts, dir=str(args.dir), cache=args.cache)
    progress = ProgressLine()

    async def work(resolver: RoleResolver) -> dict[str, list[tuple[EpisodeConfig, Classified]]]:
        slots = asyncio.Semaphore(settings.concurrency)
        found = {}
        for name, run in runs.items():
            ids = run.journal.ids()
            done = 0

            async def one(episode_id: str, run: Run = run, total: int = len(ids)) -> tuple[EpisodeConfig, Classified]:
                nonlocal done
                async with slots:
                    classified = await _judge_one(run.journal.get(episode_id), resolver, args.judge, told)
                done += 1
                progress.show(f"{done}/{total} episodes classified")
                return classified

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(episode_id)) for episode_id in ids]
            found[name] = [task.result() for task in tasks]
        return found

    try:
        return run_with_models(settings, registry, ("judge",), work, kind="failures")
    finally:
        progress.clear()


async def _judge_one(
    episode: Episode, resolver: RoleResolver, judge: str, told: list[str]
) -> tuple[EpisodeConfig, Classified]:
    from pytest_ugst.analysis.failures.llm import judge_failures
    from pytest_ugst.analysis.failures.patterns import classify, merge, unsettled
    from pytest_ugst.analysis.failures.shares import classified
    from pytest_ugst.core.chat import ChatError, ChatUnavailableError

    failures: tuple[Failure, ...] = classify(episode)
    parts = unsettled(episode, failures)
    if parts:
        chat = resolver.chat(judge, "judge")
        try:
            said = await judge_failures(chat, resolver.prompts, episode, parts, tools=episode.setting.judge_sees_tools)
            failures = merge(failures, said)
        except ChatUnavailableError:
            raise
        except ChatError as error:
            told.append(f"{episode.id}: by rule only: {error}")
    return episode.setting, classified(episode, failures)
