"""``ugst report html``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add the command to ``ugst report``."""
    from pytest_ugst.cli.report import add_home

    page = verbs.add_parser(
        "html",
        help="one page to read a run's episodes on",
        description="Writes one self-contained HTML file: the success rates, and every conversation beside its goal "
        "state turn by turn. It asks for nothing from outside and can be sent to anyone.",
    )
    page.add_argument("of", metavar="RUN", nargs="?", default="latest", help="its name or folder (the latest)")
    page.add_argument("--out", type=Path, metavar="FILE", help="default: report.html in the run's folder")
    page.add_argument(
        "--baseline", metavar="FILE|RUN", help="hold it against this: a saved baseline, or a run's name or folder"
    )
    add_home(page)
    page.set_defaults(run=_html)


def _html(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.html.baseline import PageBaseline
    from pytest_ugst.analysis.html.builder import write_page
    from pytest_ugst.analysis.regression.baseline import find_baseline
    from pytest_ugst.runs.reader import open_run
    from pytest_ugst.runs.run import PAGE_FILE
    from pytest_ugst.utils.files import check_target

    run = open_run(args.dir, args.of)
    out: Path = args.out or run.folder / PAGE_FILE
    check_target(out, f"--out={out}")
    against = None
    if args.baseline is not None:
        base, base_run = find_baseline(args.dir, args.baseline)
        if base_run is not None and base_run.is_same(run):
            raise UsageError(f"--baseline={args.baseline}: this is the run itself; name another one")
        against = PageBaseline.of(run, base, args.baseline)
    write_page(run, out, against=against)
    told = f"{out}: {counted(len(run.journal), 'episode')}"
    if out.is_file():
        print(f"{told}, {out.stat().st_size / 1e6:.1f} MB")
    else:  # a pipe, maybe the one behind the standard output: nothing but the page goes there
        print(told, file=sys.stderr)
    return 0
