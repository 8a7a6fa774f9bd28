"""``ugst data list``: say which benchmark data is on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_data

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("list", help="say which data is on this machine, and where")
    add_data(parser)
    parser.set_defaults(handler=_list)


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
