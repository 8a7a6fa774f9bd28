"""``ugst annotate``: set statuses by hand, on a local web page."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import re
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.cli.options import add_dir, add_run
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted, one_line

if TYPE_CHECKING:
    from pytest_ugst.analysis.agreement.annotate.record import Annotations
    from pytest_ugst.cli.options import Commands
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.runs.run import StoredRun


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "annotate",
        help="set the statuses of a run's goals by hand, on a local web page",
        description="Opens a web page, on this machine only, on which you go through the conversations of a run turn "
        "by turn and set the status of every sub-component with the keyboard. The judge's verdicts are shown once a "
        "conversation is done. Every change is kept in the run's folder; stop and go on as you like. 'ugst report "
        "agreement' compares what annotators and judge said.",
    )
    add_run(parser)
    parser.add_argument("--annotator", metavar="NAME", help="who you are (your login name)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="EPISODE", help="only this episode; may be given several times"
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="listen on this port (a free one)")
    parser.add_argument(
        "--export", type=Path, metavar="FILE", help="write the labels of all annotators into FILE, and serve nothing"
    )
    add_dir(parser)
    parser.set_defaults(handler=_annotate)


def _annotate(args: argparse.Namespace) -> int:
    from pytest_ugst.runs.reader import open_run

    run = open_run(args.dir, args.run)
    episodes = _episodes(run, args.only)
    if args.export is not None:
        return _export(run, episodes, args)
    return _serve(run, episodes, args)


def _episodes(run: StoredRun, only: list[str]) -> list[Episode]:
    from pytest_ugst.analysis.agreement.annotate.record import annotatable
    from pytest_ugst.core.errors import unknown

    for name in only:
        if name not in run.journal:
            raise UsageError(f"--only={name}: {unknown('episode', name, run.journal.ids())}")
    episodes = annotatable([episode for episode in run.journal if not only or episode.id in only])
    if not episodes:
        raise UsageError(f"{run.name}: no episode has both turns and sub-components, so there is nothing to annotate")
    return episodes


def _annotator(name: str | None) -> str:
    from pytest_ugst.analysis.agreement.annotate.store import check_name

    if name is not None:
        return check_name(name)
    try:
        login = re.sub(r"[^A-Za-z0-9_.-]", "-", getpass.getuser()).lstrip("_.-")[:60]
    except (KeyError, OSError):
        login = ""
    return login or "annotator"


def _serve(run: StoredRun, episodes: list[Episode], args: argparse.Namespace) -> int:
    import asyncio

    from pytest_ugst.analysis.agreement.annotate.server import AnnotationServer, serve
    from pytest_ugst.analysis.agreement.annotate.store import file_of, only_one

    annotator = _annotator(args.annotator)
    path = file_of(run.folder, annotator)

    def ready(url: str) -> None:
        print(f"{counted(len(episodes), 'conversation')} of {run.name} for {annotator}; open {url}")
        print(f"what you set is kept in {path}; stop with Ctrl-C", flush=True)

    with only_one(path):
        server = AnnotationServer(run.name, episodes, path, annotator)
        _report_outdated(server.annotations, episodes, path)
        asyncio.run(_until_stopped(serve(server, args.port, ready)))
        print()
    return 0


def _report_outdated(annotations: Annotations, episodes: list[Episode], path: Path) -> None:
    if outdated := annotations.outdated(episodes):
        names = one_line(", ".join(outdated), 200)
        count = counted(len(outdated), "conversation", ("was", "were"))
        print(
            f"ugst: {annotations.annotator}: {count} annotated before being played again or cut up anew ({names}); "
            f"that work stays in {path} and is not shown",
            file=sys.stderr,
        )


async def _until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until Ctrl-C or a signal to terminate."""
    import asyncio

    task = asyncio.ensure_future(serving)
    # A process that a shell put into the background ignores Ctrl-C without a handler.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _export(run: StoredRun, episodes: list[Episode], args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.agreement.annotate.record import labels_of
    from pytest_ugst.analysis.agreement.annotate.store import annotators, file_of, load
    from pytest_ugst.analysis.agreement.label_files import write_labels

    names = [_annotator(args.annotator)] if args.annotator is not None else annotators(run.folder)
    records = []
    for name in names:
        path = file_of(run.folder, name)
        annotations = load(path, name, episodes)
        _report_outdated(annotations, episodes, path)
        found = [labels_of(episode, annotations.of(episode), name) for episode in episodes]
        records += [labels for labels in found if labels is not None]
    if not records:
        others = [name for name in annotators(run.folder) if name not in names]
        known = f" by {names[0]} (there is: {', '.join(others)})" if others else ""
        raise UsageError(f"{run.name}: nothing is annotated yet{known}; begin with 'ugst annotate {args.run}'")
    write_labels(args.export, records)
    people = counted(len({record.annotator for record in records}), "annotator")
    print(f"{counted(len(records), 'annotated conversation')} by {people}: {args.export}")
    return 0
