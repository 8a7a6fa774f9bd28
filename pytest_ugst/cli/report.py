"""``ugst report``: the group of commands that read the journals of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.cli import (
    report_agreement,
    report_attribution,
    report_compare,
    report_cost,
    report_failures,
    report_generation,
    report_html,
    report_quality,
    report_table,
)
from pytest_ugst.cli.options import add_group

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the group and its commands, in the order of the help."""
    verbs = add_group(commands, "report", help="tables, pages and comparisons of runs that were played")
    report_table.add_command(verbs)
    report_html.add_command(verbs)
    report_quality.add_command(verbs)
    report_agreement.add_command(verbs)
    report_generation.add_command(verbs)
    report_cost.add_command(verbs)
    report_failures.add_command(verbs)
    report_attribution.add_command(verbs)
    report_compare.add_command(verbs)
