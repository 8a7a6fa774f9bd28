"""Training and test goals can't mix: a simulator that was trained on a test goal is not tested by it."""

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
"""The goal sources of the shipped suites; their ``test`` parts are what simulators are tested with."""
_SHOWN = 5


def text_digest(text: str) -> str:
    """Equal for goals of the same words, however they are set."""
    return hashlib.sha256(" ".join(re.findall(r"\w+", text.casefold())).encode()).hexdigest()


def suite_goals(registry: Registry) -> dict[str, list[Goal]]:
    """The test goals of every suite whose data is here, by source."""
    found: dict[str, list[Goal]] = {}
    for source in SUITES:
        if source not in registry.goal_sources:
            continue
        try:
            found[source] = list(registry.goal_sources.get(source)("test"))
        except DataMissingError:
            continue
    return found


def require_apart(goals: Mapping[str, str], tested: Mapping[str, Iterable[Goal]], what: str) -> None:
    """Make sure that no goal is a test goal.

    Args:
        goals: Texts by id.
        tested: Test goals by source.
        what: Where the goals come from, for the message.

    Raises:
        UsageError: Naming the goals that are, and the remedy.
    """
    by_text: dict[str, list[str]] = defaultdict(list)
    for name, text in goals.items():
        by_text[text_digest(text)].append(name)
    told = []
    for source, others in tested.items():
        mixed: dict[str, None] = {}
        for other in others:
            if other.id in goals:
                mixed[other.id] = None
            mixed |= dict.fromkeys(by_text.get(text_digest(other.text), ()))
        if mixed:
            more = f" and {len(mixed) - _SHOWN} more" if len(mixed) > _SHOWN else ""
            told.append(f"{', '.join(list(mixed)[:_SHOWN])}{more} of {source}")
    if told:
        raise UsageError(
            f"{what}: holds test goals ({'; '.join(told)}), and what is trained on them can't be tested by them; take "
            f"other goals, such as --goals {next(iter(tested))}:train"
        )
