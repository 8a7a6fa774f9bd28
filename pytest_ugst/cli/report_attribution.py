"""``ugst report attribution``: whether failed tasks are the agent's fault or the simulator's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_runs, add_table_output
from pytest_ugst.cli.output import check_style, write_tables
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.analysis.failures.attribution import AttributionSummary
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "attribution",
        help="whose fault failed tasks are, the agent's or the simulator's",
        description="For domains that score the agent's work (airline, retail): attributes every failed task to the "
        "simulator, the agent or both, from the goal states, and shows the agent's score raw and over the episodes "
        "whose simulator stayed on its goal. Nothing is played.",
    )
    add_runs(parser)
    add_table_output(parser)
    add_dir(parser)
    parser.set_defaults(handler=_attribution)


def _attribution(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.failures.attribution import attribution_summary
    from pytest_ugst.analysis.failures.attribution_table import attribution_table, attributions
    from pytest_ugst.analysis.success.leaderboard import goal_differences, missing_data, read_leaderboard
    from pytest_ugst.analysis.success.systems import setting_differences
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    runs = named_runs(args.dir, args.runs)
    found: dict[str, dict[str, AttributionSummary]] = {}
    goals: dict[str, list[tuple[str, set[str]]]] = {}
    leaderboard = read_leaderboard(runs, aliases=read_models(Path.cwd())[0])
    for entry in leaderboard:
        for benchmark, played in entry.system.benchmarks.items():
            if attributed := attributions(played.outcomes):
                found.setdefault(benchmark, {})[entry.name] = attribution_summary(attributed)
                goals.setdefault(benchmark, []).append((entry.name, {episode.goal for episode in attributed}))
    if not found:
        raise UsageError(
            f"{', '.join(args.runs)}: no episode has a score of the agent's work; the domains airline and retail give "
            "one where a goal brings reference actions"
        )
    tables = [attribution_table(by_name, name, goal_differences(goals[name])) for name, by_name in found.items()]
    scored = {name for by_name in found.values() for name in by_name}
    notes = setting_differences([(entry.name, entry.system.setting) for entry in leaderboard if entry.name in scored])
    write_tables(tables, args, [*notes, *missing_data(runs)])
    return 0
