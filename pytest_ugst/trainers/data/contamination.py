"""Contamination of training data with test goals: a simulator that was trained on a test goal is not tested by it."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry

SUITES = ("concierge", "airline", "retail", "multiwoz_challenge")
"""The goal sources of the shipped suites; simulators are tested with their ``test`` splits."""
_SHOWN = 5


def text_digest(text: str) -> str:
    """Return a digest that is equal for goals of the same words, whatever their case and punctuation."""
    return hashlib.sha256(" ".join(re.findall(r"\w+", text.casefold())).encode()).hexdigest()


def suite_test_goals(registry: Registry) -> dict[str, list[Goal]]:
    """Return the test goals of every suite whose data is on this machine, by source."""
    found: dict[str, list[Goal]] = {}
    for source in SUITES:
        if source not in registry.goal_sources:
            continue
        try:
            found[source] = list(registry.goal_sources.get(source)("test"))
        except DataMissingError:
            continue
    return found


def require_no_test_goals(goals: Mapping[str, str], tested: Mapping[str, Iterable[Goal]], what: str) -> None:
    """Check that no goal is a test goal.

    Args:
        goals: The texts of the goals by id.
        tested: The test goals by source.
        what: The place that the goals come from, for the message.

    Raises:
        UsageError: If one is; the message names them and the remedy.
    """
    by_text: dict[str, list[str]] = defaultdict(list)
    for name, text in goals.items():
        by_text[text_digest(text)].append(name)
    messages = []
    for source, others in tested.items():
        mixed: dict[str, None] = {}
        for other in others:
            if other.id in goals:
                mixed[other.id] = None
            mixed |= dict.fromkeys(by_text.get(text_digest(other.text), ()))
        if mixed:
            more = f" and {len(mixed) - _SHOWN} more" if len(mixed) > _SHOWN else ""
            messages.append(f"{', '.join(list(mixed)[:_SHOWN])}{more} of {source}")
    if messages:
        raise UsageError(
            f"{what}: holds test goals ({'; '.join(messages)}), and what is trained on them can't be tested by them; "
            f"take other goals, such as --goals {next(iter(tested))}:train"
        )
