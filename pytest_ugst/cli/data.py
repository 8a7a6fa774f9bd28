"""``ugst data``: the group of commands about the data of benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.cli import data_fetch, data_list
from pytest_ugst.cli.options import add_group

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the group and its commands, in the order of the help."""
    verbs = add_group(commands, "data", help="fetch the data of benchmarks, and say where it is")
    data_fetch.add_command(verbs)
    data_list.add_command(verbs)
