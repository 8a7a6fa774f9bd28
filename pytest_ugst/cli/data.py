"""``ugst data``: fetch the data of benchmarks, and say where it is."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any


def add_commands(groups: argparse._SubParsersAction[Any]) -> None:
    """Add ``ugst data`` and its commands."""
    from pytest_ugst.config.data_dirs import MARKS

    data = groups.add_parser("data", help="fetch the data of benchmarks, and say where it is")
    data.set_defaults(group=data)
    verbs = data.add_subparsers(title="commands", metavar="COMMAND", parser_class=type(data))

    fetching = verbs.add_parser(
        "fetch",
        help="download a benchmark's data from its authors, verified",
        description="Downloads a pinned revision from its authors' repository, takes out the files that are used, "
        "verifies each by its SHA-256 and keeps them in your cache folder. Goes on where it was interrupted; does "
        "nothing where all is there.",
    )
    fetching.add_argument("name", choices=tuple(MARKS), help="which data")
    fetching.add_argument("--to", type=Path, metavar="DIR", help="put it into DIR/NAME in place of the cache folder")
    fetching.add_argument(
        "--mirror",
        default="",
        metavar="URL",
        help="get archives from URL/OWNER/REPOSITORY/tar.gz/REVISION (else from the environment's UGST_MIRROR, else "
        "from GitHub)",
    )
    fetching.set_defaults(run=_fetch)

    listing = verbs.add_parser("list", help="say which data is on this machine, and where")
    listing.add_argument("--data", type=Path, metavar="DIR", help="look there first")
    listing.set_defaults(run=_list)


def _fetch(args: argparse.Namespace) -> int:
    from pytest_ugst.config.data_dirs import cache_folder
    from pytest_ugst.domains.download.datasets import datasets
    from pytest_ugst.domains.download.fetch import fetch
    from pytest_ugst.utils.progress import ProgressLine

    progress = ProgressLine()

    def loaded(done: int, total: int | None) -> None:
        of = f" of {total / 1e6:,.1f} MB ({100 * done // total}%)" if total else ""
        progress.show(f"{done / 1e6:,.1f} MB{of}")

    try:
        fetch(
            datasets()[args.name],
            args.to or cache_folder(),
            mirror=args.mirror or os.environ.get("UGST_MIRROR", ""),
            say=progress.notify,
            progress=loaded,
        )
    finally:
        progress.clear()
    return 0


def _list(args: argparse.Namespace) -> int:
    from pytest_ugst.config.data_dirs import DataDirs, DataMissingError
    from pytest_ugst.domains.download.datasets import datasets

    data_dirs = DataDirs(args.data)
    for name, data in datasets().items():
        try:
            folder = data_dirs.locate(name)
        except DataMissingError:
            print(f"{name}: not here; 'ugst data fetch {name}' gets it ({data.licence} licence, {data.origin})")
            continue
        differing = data.differing(folder)
        state = "as published" if not differing else f"{len(differing)} of {len(data.files)} files are not those pinned"
        print(f"{name}: {folder} ({state})")
    return 0
