"""``ugst goals``: the group of commands about goals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.cli import (
    goals_decompose,
    goals_disagreements,
    goals_generate,
    goals_import,
    goals_lint,
    goals_recombine,
    goals_schema,
    goals_stats,
)
from pytest_ugst.cli.options import add_group

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the group and its commands, in the order of the help."""
    verbs = add_group(commands, "goals", help="check, import, decompose and describe goals")
    goals_lint.add_command(verbs)
    goals_schema.add_command(verbs)
    goals_import.add_command(verbs)
    goals_decompose.add_command(verbs)
    goals_disagreements.add_command(verbs)
    goals_generate.add_command(verbs)
    goals_stats.add_command(verbs)
    goals_recombine.add_command(verbs)
