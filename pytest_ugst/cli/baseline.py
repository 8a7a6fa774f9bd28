"""``ugst baseline``: the group of commands about baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.cli import baseline_save
from pytest_ugst.cli.options import add_group

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the group and its command."""
    verbs = add_group(commands, "baseline", help="keep the outcome of a run, to compare later runs with it")
    baseline_save.add_command(verbs)
