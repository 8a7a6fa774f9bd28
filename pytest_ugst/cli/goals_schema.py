"""``ugst goals schema``: print the JSON Schema of goal files."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("schema", help="print the JSON Schema of goal files, for editors")
    parser.set_defaults(handler=_schema)


def _schema(args: argparse.Namespace) -> int:
    from pytest_ugst.goals.files import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0
