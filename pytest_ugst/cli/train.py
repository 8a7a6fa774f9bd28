"""``ugst train``: make data for simulators, and train them. Needs the extra ``train``."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(groups: argparse._SubParsersAction[Any]) -> None:
    """Add the command group."""
    train = groups.add_parser("train", help="make training data from steered conversations, and train simulators")
    train.set_defaults(group=train)
    verbs = train.add_subparsers(title="commands", metavar="COMMAND", parser_class=type(train))
    _ = verbs  # data, sft, grpo, judge
