"""``ugst report``: tables, pages and comparisons of runs that were played, read from their journals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ugst.cli import compare, failures, html, metrics, table


def add_commands(groups: argparse._SubParsersAction[Any]) -> None:
    """Add the command group."""
    report = groups.add_parser("report", help="tables, pages and comparisons of runs that were played")
    report.set_defaults(group=report)
    verbs = report.add_subparsers(title="commands", metavar="COMMAND", parser_class=type(report))
    # Each verb's module adds itself here: NAME.add_commands(verbs).
    table.add_commands(verbs)
    html.add_commands(verbs)
    metrics.add_commands(verbs)
    failures.add_commands(verbs)
    compare.add_commands(verbs)


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where runs are kept."""
    parser.add_argument("--dir", type=Path, default=Path(".ugst"), metavar="DIR", help="where runs are kept (.ugst)")
