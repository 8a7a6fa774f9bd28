"""``ugst prompts export``: copy the shipped prompts into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export", help="copy the shipped prompts into a folder, to edit and use by --ugst-prompts"
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.set_defaults(handler=_export)


def _export(args: argparse.Namespace) -> int:
    from importlib import resources

    from pytest_ugst.prompts.loader import PROMPTS
    from pytest_ugst.utils.files import replace_text

    try:
        args.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{args.folder}: {error.strerror}; name a folder you can write") from None
    existing = [name for name in PROMPTS if (args.folder / name).exists()]
    if existing:
        raise UsageError(f"{args.folder} already holds {existing[0]}; name an empty folder, so that no work is lost")
    shipped = resources.files("pytest_ugst.prompts")
    for name in PROMPTS:
        replace_text(args.folder / name, shipped.joinpath(name).read_text(encoding="utf-8"))
    print(f"{len(PROMPTS)} prompts written to {args.folder}; use them with --ugst-prompts={args.folder}")
    return 0
