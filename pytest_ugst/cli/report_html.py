"""``ugst report html``: write a page to read a run's episodes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_dir, add_out, add_run
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "html",
        help="one page to read a run's episodes on",
        description="Writes one self-contained HTML file: the success rates, and every conversation beside its goal "
        "state turn by turn. It asks for nothing from outside and can be sent to anyone.",
    )
    add_run(parser, optional=True)
    add_out(parser, help="default: report.html in the run's folder")
    parser.add_argument(
        "--baseline", metavar="FILE|RUN", help="compare it with this: a saved baseline, or a run's name or folder"
    )
    add_dir(parser)
    parser.set_defaults(handler=_html)


def _html(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.html.baseline import PageBaseline
    from pytest_ugst.analysis.html.builder import write_page
    from pytest_ugst.analysis.regression.baseline import find_baseline
    from pytest_ugst.runs.reader import open_run
    from pytest_ugst.runs.run import PAGE_FILE
    from pytest_ugst.utils.files import check_target

    run = open_run(args.dir, args.run)
    out: Path = args.out or run.folder / PAGE_FILE
    check_target(out, f"--out={out}")
    page_baseline = None
    if args.baseline is not None:
        base, base_run = find_baseline(args.dir, args.baseline)
        if base_run is not None and base_run.is_same(run):
            raise UsageError(f"--baseline={args.baseline}: this is the run itself; name another one")
        page_baseline = PageBaseline.of(run, base, args.baseline)
    write_page(run, out, baseline=page_baseline)
    message = f"{out}: {counted(len(run.journal), 'episode')}"
    if out.is_file():
        print(f"{message}, {out.stat().st_size / 1e6:.1f} MB")
    else:  # a pipe, maybe the one behind the standard output, which gets nothing but the page
        print(message, file=sys.stderr)
    return 0
