"""``ugst show``: print an episode."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_run_option
from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.text import counted, one_line

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("show", help="print an episode: the conversation, and how the goal state moved")
    parser.add_argument(
        "episode",
        metavar="EPISODE",
        nargs="?",
        help="its id, such as GOAL or GOAL@2; without it the ids are listed",
    )
    add_run_option(parser)
    add_dir(parser)
    parser.add_argument("--reasoning", action="store_true", help="with the reasoning of simulator and agent")
    parser.set_defaults(handler=_show)


def _show(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.transcript import render_episode
    from pytest_ugst.runs.reader import open_run, read_faults

    run = open_run(args.dir, args.run)
    for fault in read_faults(run):
        print(f"ugst: {run.name}: journal: {fault}", file=sys.stderr)
    if args.episode is None:
        for episode in run.journal:
            failed, turns = len(episode.final_state.failures()), counted(len(episode.conversation.turns), "turn")
            print(f"{one_line(episode.id)}: {turns}, {episode.conversation.stop}, {failed} failed")
    elif args.episode in run.journal:
        print(render_episode(run.journal.get(args.episode), reasoning=args.reasoning))
    else:
        raise UsageError(f"{run.name}: {unknown('episode', args.episode, run.journal.ids())}")
    return 0
