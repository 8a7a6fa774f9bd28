"""The ``ugst`` command: work with goal files and prompts outside of a test run."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_ugst import __version__
from pytest_ugst.cli import annotate, baseline, challenge, data, goals, recombine, report, train
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.core.text import counted, one_line

_USAGE = 4  # as pytest's exit status for the same
_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if all is well, 1 if something was found to be wrong with the files, 4 for a mistake in the call.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    if not hasattr(args, "run"):
        (args.group if hasattr(args, "group") else parser).print_help()
        return _USAGE
    _print_what_can_be_printed()
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except UgstError as error:
        print(f"ugst: {error}", file=sys.stderr)
        return _USAGE
    except BrokenPipeError:  # such as "ugst goals schema | head"
        sys.stderr.close()
        return 0
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        if not full and error.filename is None:
            raise
        what = f": {one_line(str(error.filename), 200)}" if error.filename is not None else ""
        print(f"ugst: {error.strerror}{what}", file=sys.stderr)
        if not full:
            return _USAGE
        with contextlib.suppress(OSError, ValueError):  # what is left in the buffer would fail once more at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except KeyboardInterrupt:
        return 130
    return status


def _print_what_can_be_printed() -> None:
    """A question mark stands for what can't be printed: a traceback would help nobody.

    That is much in the locale of a bare container, and everywhere the name of a file that is no text.
    """
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and (out.errors == "strict" or not out.encoding.lower().startswith("utf")):
        out.reconfigure(errors="replace")


class _Parser(argparse.ArgumentParser):
    """Ends with pytest's exit status for a mistake in the call."""

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse's own never returns either
        """Print usage and message."""
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ugst",
        description="Measure, gate and train LLM user simulators. The tests themselves are run by pytest: "
        "'pytest suites --ugst-sim=NAME'; 'pytest --help' lists the --ugst options.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-ugst {__version__}")
    groups = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    about_goals = groups.add_parser("goals", help="check, import, decompose and describe goals")
    about_goals.set_defaults(group=about_goals)
    verbs = about_goals.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    lint = verbs.add_parser("lint", help="say what is wrong with goal files")
    lint.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a goal file, or a folder to search for them")
    lint.set_defaults(run=_lint)

    schema = verbs.add_parser("schema", help="print the JSON Schema of goal files, for editors")
    schema.set_defaults(run=_schema)

    goals.add_commands(verbs)
    challenge.add_commands(verbs)
    recombine.add_commands(verbs)
    data.add_commands(groups)
    report.add_commands(groups)
    baseline.add_commands(groups)
    train.add_commands(groups)
    annotate.add_commands(groups)

    show = groups.add_parser("show", help="print an episode: the conversation, and how the goal state moved")
    show.add_argument("episode", nargs="?", help="its id, such as GOAL or GOAL@2; without it the ids are listed")
    show.add_argument(
        "--run", dest="of", metavar="RUN", default="latest", help="the run's name or folder (default: the latest)"
    )
    show.add_argument("--dir", type=Path, default=Path(".ugst"), help="where runs are kept (default: .ugst)")
    show.add_argument("--reasoning", action="store_true", help="with what simulator and agent thought")
    show.set_defaults(run=_show)

    prompts = groups.add_parser("prompts", help="the prompts, and how to change them")
    prompts.set_defaults(group=prompts)
    verbs = prompts.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    export = verbs.add_parser(
        "export", help="copy the shipped prompts into a folder, to edit and use by --ugst-prompts"
    )
    export.add_argument("folder", type=Path, metavar="DIR")
    export.set_defaults(run=_export)
    return parser


def _lint(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.files import find_duplicates, goal_files_in, read
    from pytest_ugst.judges.checks import ChecksJudge

    files = goal_files_in(args.paths)
    goals, told = [], []
    for file in files:
        good, problems = read(file)
        goals += good
        told += list(map(str, problems))
    told += find_duplicates(goals)
    checks = ChecksJudge()
    for goal in goals:
        try:
            checks.validate(goal, names=False)
        except UsageError as error:
            told.append(str(error))
    for line in told:
        print(line)
    parts = sum(len(goal.components or ()) for goal in goals)
    bare = sum(goal.components is None for goal in goals)
    checked = sum(goal.fully_checked for goal in goals)
    print(
        f"{counted(len(files), 'file')}, {counted(len(goals), 'goal')}, {counted(parts, 'sub-component')}; {checked} "
        f"need no judge model, {bare} have to be decomposed; {len(told)} problems"
    )
    return _FAILED if told else 0


def _schema(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.files import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def _show(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.transcript import render_episode
    from pytest_ugst.core.errors import unknown
    from pytest_ugst.runs.reader import faults_of, open_run

    run = open_run(args.dir, args.of)
    for fault in faults_of(run):
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


def _export(args: argparse.Namespace) -> int:
    from importlib import resources

    from pytest_ugst.prompts.loader import PROMPTS
    from pytest_ugst.utils.files import replace_text

    try:
        args.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{args.folder}: {error.strerror}; name a folder you can write") from None
    there = [name for name in PROMPTS if (args.folder / name).exists()]
    if there:
        raise UsageError(f"{args.folder} already holds {there[0]}; name an empty folder, so that no work is lost")
    shipped = resources.files("pytest_ugst.prompts")
    for name in PROMPTS:
        replace_text(args.folder / name, shipped.joinpath(name).read_text(encoding="utf-8"))
    print(f"{len(PROMPTS)} prompts written to {args.folder}; use them with --ugst-prompts={args.folder}")
    return 0
