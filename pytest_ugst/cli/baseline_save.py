"""``ugst baseline save``: write a run's outcome into a file that later runs are compared with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_out, add_run
from pytest_ugst.core.text import counted, one_line

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands

_SHOWN = 5


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "save",
        help="write a run's outcome, goal by goal, into a small file for --ugst-baseline",
        description="Writes the status of every sub-component of a run, with digests of its goals and what it was "
        "played with, into a JSON file that can be committed: the same run gives the same bytes, and a goal is a line.",
    )
    add_run(parser)
    add_out(parser, required=True, help="the file; one that is there is replaced")
    add_dir(parser)
    parser.set_defaults(handler=_save)


def _save(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.regression.baseline import baseline_of, write_baseline
    from pytest_ugst.runs.reader import open_run, read_faults

    run = open_run(args.dir, args.run)
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
    for fault in read_faults(run):
        print(f"journal: {fault}")
    for name, why in list(baseline.dropped.items())[:_SHOWN]:
        print(f"not in it: {one_line(name)}: {why}")
    if (more := len(baseline.dropped) - _SHOWN) > 0:
        print(f"... and {more} more")
    return 0
