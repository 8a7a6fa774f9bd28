"""What tests are parametrized with: the cases of the goals that their markers ask for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.engine.spec import GoalCase, cases
from pytest_ugst.roles.goal_lookup import find_goals

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.goals.overrides import EditedGoals
    from pytest_ugst.plugin.marker import GoalMarker


def parameters(
    marker: GoalMarker,
    registry: Registry,
    folders: Sequence[Path],
    trials: int,
    max_turns: int,
    expression: str,
    edited: EditedGoals,
) -> list[ParameterSet]:
    """What a test is parametrized with: the cases of the goals its marker asks for.

    Where the goals' data is not on this machine, one case that is skipped with the reason stands for them.

    Args:
        marker: What the test asks for.
        registry: Where goal sources are found by name.
        folders: Where goal files are looked for.
        trials: How often each goal is played.
        max_turns: Where the goal does not say.
        expression: Of ``-m``.
        edited: Goals to play in place of those with the same ids.

    Raises:
        UsageError: If there are no goals.
    """
    optional = marker.unplayable == "skip"
    found = []
    try:
        for part in _parts(marker.split, expression):
            # A single split was chosen by the test's author and is no choice of whoever runs it.
            marks = [getattr(pytest.mark, part)] if part and isinstance(marker.split, tuple) else []
            goals = map(edited.instead_of, _found(marker, part, registry, folders))
            found += [pytest.param(c, id=c.id, marks=marks) for c in cases(goals, trials, max_turns, optional)]
    except DataMissingError as error:
        missing = GoalCase(None, 1, max_turns, optional, skip=True)
        parts = marker.split if isinstance(marker.split, tuple) else ()
        marks = [pytest.mark.skip(reason=str(error)), *(getattr(pytest.mark, part) for part in parts)]
        return [pytest.param(missing, id="no-data", marks=marks)]
    return found


def _parts(split: str | tuple[str, ...] | None, expression: str) -> Sequence[str | None]:
    """The splits to play: the first, and those that ``-m`` mentions, which it then selects from."""
    if not isinstance(split, tuple):
        return (split,)
    return [part for i, part in enumerate(split) if i == 0 or re.search(rf"\b{part}\b", expression)]


def _found(marker: GoalMarker, split: str | None, registry: Registry, folders: Sequence[Path]) -> list[Goal]:
    return find_goals(marker.goals, split, marker.tags, registry=registry, folders=folders, where="ugst marker: ")
