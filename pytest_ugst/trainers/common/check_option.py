"""The option ``--checks`` of the commands that judge."""

from __future__ import annotations

import argparse

from pytest_ugst.config.options import BY_NAME


def add_checks(parser: argparse._ActionsContainer) -> None:
    """Add ``--checks``: what the checks of goals do beside the judge."""
    option = BY_NAME["checks"]
    parser.add_argument("--checks", choices=option.choices, default=option.default, help="as --ugst-checks (auto)")
