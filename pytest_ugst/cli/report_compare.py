"""``ugst report compare``: two runs over the same goals, paired by goal and trial."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_table_output
from pytest_ugst.cli.output import check_style, terminal_width, write_tables, write_text
from pytest_ugst.config.options import DEFAULT_MAX_DROP
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.analysis.regression.changes import EpisodeChanges
    from pytest_ugst.analysis.regression.decision import Comparison
    from pytest_ugst.cli.options import Commands

_SHOWN = 10


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="two runs goal by goal: differences with intervals, and which goals got better and worse",
        description="Compares two runs over the goals that both hold: the difference of every column with its "
        "interval, then the goals that got worse and better, trial by trial, with the sub-components "
        "that changed, the turn and the words. What differs beside the simulator is reported and not "
        "refused. Nothing is played.",
    )
    parser.add_argument("base", metavar="BASE", help="a run's name or folder, 'latest', or a saved baseline")
    parser.add_argument("new", metavar="NEW", help="the same; for turns and words it has to be a run")
    add_table_output(parser)
    parser.add_argument("--json", action="store_true", help="everything, for machines")
    parser.add_argument(
        "--max-drop", default=DEFAULT_MAX_DROP, metavar="POINTS", help=f"as --ugst-max-drop ({DEFAULT_MAX_DROP})"
    )
    parser.add_argument(
        "--goals",
        type=int,
        metavar="N",
        help=f"episodes to list in each direction, -1 for all (all, but in the terminal style {_SHOWN})",
    )
    add_dir(parser)
    parser.set_defaults(handler=_compare)


def _compare(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.regression.baseline import find_baseline
    from pytest_ugst.analysis.regression.changes import changes
    from pytest_ugst.analysis.regression.changes_text import changes_tables, changes_text, most_changed
    from pytest_ugst.analysis.regression.comparability import mismatches, run_outline
    from pytest_ugst.analysis.regression.comparison import compare, comparison_table, with_unplayed
    from pytest_ugst.analysis.regression.decision import parse_margins
    from pytest_ugst.analysis.success.leaderboard import journal_faults
    from pytest_ugst.analysis.tables import render_terminal
    from pytest_ugst.runs.reader import require_once

    style = _checked_style(args)
    margins = parse_margins(args.max_drop, "--max-drop")
    base, base_run = find_baseline(args.dir, args.base)
    played, run = find_baseline(args.dir, args.new)
    places = (Path(args.base) if base_run is None else base_run.folder, Path(args.new) if run is None else run.folder)
    require_once("run", zip((args.base, args.new), places, strict=True))
    new = with_unplayed(played, base)
    found = mismatches(run_outline(base), run_outline(new))
    comparison = compare(base, new, margins, name=args.base, found=found)
    runs = {name: one for name, one in ((args.base, base_run), (args.new, run)) if one is not None}
    comparison = comparison.model_copy(update={"notes": (*comparison.notes, *journal_faults(runs))})
    changed = changes(base, new, run)
    if args.goals is not None and style != "terminal":
        changed = most_changed(changed, args.goals)
    if style == "json":
        write_text(_as_json(comparison, changed), args.out)
        return 0
    table = comparison_table(comparison, title=f"{args.new} against {args.base}: {counted(comparison.goals, 'goal')}")
    if style == "terminal":
        limit = _SHOWN if args.goals is None else args.goals
        write_text(render_terminal(table, width=terminal_width()) + changes_text(changed, limit), args.out)
    else:
        write_tables([table, *changes_tables(changed)], args)
    return 0


def _checked_style(args: argparse.Namespace) -> str:
    """Return the style that the options ask for, after a check of those that are read later.

    Raises:
        UsageError: If options contradict each other or have no possible value.
    """
    if args.json and args.style not in (None, "json"):
        raise UsageError(f"--json and --style={args.style}: choose one")
    if args.goals is not None and args.goals < -1:
        raise UsageError(f"--goals={args.goals}: write a number from 0, or -1 for all")
    return "json" if args.json else check_style(args)


def _as_json(comparison: Comparison, changed: list[EpisodeChanges]) -> str:
    record = comparison.model_dump(mode="json")
    record["changed"] = [
        {"episode": one.episode, "net": one.net, "changes": [c.model_dump(mode="json") for c in one.changes]}
        for one in changed
    ]
    return json.dumps(record, indent=2) + "\n"
