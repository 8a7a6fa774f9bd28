"""``ugst data fetch``: download the data of a benchmark."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    from pytest_ugst.config.data_dirs import MARKS

    parser = commands.add_parser(
        "fetch",
        help="download a benchmark's data from its authors, verified",
        description="Downloads a pinned revision from its authors' repository, takes out the files that are used, "
        "verifies each by its SHA-256 and keeps them in your cache folder. Goes on where it was interrupted; does "
        "nothing where all is there.",
    )
    parser.add_argument("name", choices=tuple(MARKS), help="which data")
    parser.add_argument("--to", type=Path, metavar="DIR", help="put it into DIR/NAME in place of the cache folder")
    parser.add_argument(
        "--mirror",
        default="",
        metavar="URL",
        help="get archives from URL/OWNER/REPOSITORY/tar.gz/REVISION (else from the environment's UGST_MIRROR, else "
        "from GitHub)",
    )
    parser.set_defaults(handler=_fetch)


def _fetch(args: argparse.Namespace) -> int:
    from pytest_ugst.config.data_dirs import cache_folder
    from pytest_ugst.domains.download.datasets import datasets
    from pytest_ugst.domains.download.fetch import fetch
    from pytest_ugst.utils.progress import ProgressLine

    progress = ProgressLine()

    def show(done: int, total: int | None) -> None:
        of = f" of {total / 1e6:,.1f} MB ({100 * done // total}%)" if total else ""
        progress.show(f"{done / 1e6:,.1f} MB{of}")

    try:
        fetch(
            datasets()[args.name],
            args.to or cache_folder(),
            mirror=args.mirror or os.environ.get("UGST_MIRROR", ""),
            notify=progress.notify,
            on_progress=show,
        )
    finally:
        progress.clear()
    return 0
