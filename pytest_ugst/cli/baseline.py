"""``ugst baseline``: what a run came to, in a file that later runs are held against."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ugst.core.text import counted, one_line

_SHOWN = 5


def add_commands(groups: argparse._SubParsersAction[Any]) -> None:
    """Add the command group."""
    from pytest_ugst.cli.report import add_home

    baseline = groups.add_parser("baseline", help="keep what a run came to, to hold later runs against it")
    baseline.set_defaults(group=baseline)
    verbs = baseline.add_subparsers(title="commands", metavar="COMMAND", parser_class=type(baseline))
    save = verbs.add_parser(
        "save",
        help="write a run's outcome, goal by goal, into a small file for --ugst-baseline",
        description="Writes the status of every sub-component of a run, with digests of its goals and what it was "
        "played with, into a JSON file that can be committed: the same run gives the same bytes, and a goal is a line.",
    )
    save.add_argument("played", metavar="RUN", help="a run's name or folder, or 'latest'")
    save.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file; one that is there is replaced")
    add_home(save)
    save.set_defaults(run=_save)


def _save(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.regression.baseline import baseline_of, write_baseline
    from pytest_ugst.runs.reader import faults_of, open_run

    run = open_run(args.dir, args.played)
    baseline = baseline_of(run)
    write_baseline(args.out, baseline)
    parts = sum(len(goal.components) * len(goal.trials) for goal in baseline.goals)
    goals, episodes = counted(len(baseline.goals), "goal"), counted(baseline.episodes, "episode")
    print(f"{args.out}: {goals}, {episodes}, {counted(parts, 'sub-component')} of {baseline.run}")
    if baseline.errors:
        print(
            f"{counted(baseline.errors, 'sub-component', ('has', 'have'))} no trustworthy verdict: no success for now, "
            f"which hides drops later on; 'pytest --ugst-resume={baseline.run}' plays their episodes again"
        )
    if baseline.unplayed:
        print(f"{counted(len(baseline.unplayed), 'episode')} could not be played and so not kept")
    for fault in faults_of(run):
        print(f"journal: {fault}")
    for name, why in list(baseline.dropped.items())[:_SHOWN]:
        print(f"not in it: {one_line(name)}: {why}")
    if (more := len(baseline.dropped) - _SHOWN) > 0:
        print(f"... and {more} more")
    return 0
