"""``ugst prompts``: the group of commands about prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.cli import prompts_export
from pytest_ugst.cli.options import add_group

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the group and its command."""
    verbs = add_group(commands, "prompts", help="the prompts, and how to change them")
    prompts_export.add_command(verbs)
