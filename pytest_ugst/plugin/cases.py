"""Cases of goals as tests see them: what tests are parametrized with, and the case of an item."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeGuard

import pytest

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.engine.spec import GoalCase, cases
from pytest_ugst.plugin.marker import GoalMarker
from pytest_ugst.roles.goal_lookup import find_goals

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.goals.overrides import EditedGoals


def is_episode_item(item: pytest.Item) -> TypeGuard[pytest.Function]:
    """Return whether the item asks for an episode."""
    return "episode" in getattr(item, "fixturenames", ()) and "ugst_case" in getattr(item, "fixturenames", ())


def case_of(item: pytest.Function) -> GoalCase:
    """Return the item's case; one without a goal where the test brings its own."""
    own: GoalCase | None = getattr(item, "ugst_case", None)
    if own is not None:
        return own
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("ugst_case") if callspec is not None else None
    return case if isinstance(case, GoalCase) else GoalCase(None, 1, 10)


def parameters_of(
    metafunc: pytest.Metafunc, settings: Options, registry: Registry, edited: EditedGoals
) -> list[ParameterSet]:
    """Return what a test is parametrized with: the cases of the goals that its marker asks for.

    Args:
        metafunc: The test function.
        settings: The options.
        registry: Where goal sources are found by name.
        edited: Goals to play in place of those with the same ids.

    Raises:
        UsageError: If the marker is wrong, or there are no goals.
    """
    node = metafunc.definition
    marker = GoalMarker.of(node, node.iter_markers("ugst"))
    trials = (marker and marker.trials) or settings.trials
    max_turns = (marker and marker.max_turns) or settings.max_turns
    if "episode" not in metafunc.fixturenames:
        trials = 1
    if marker is None or marker.goals is None:
        own = (GoalCase(None, trial, max_turns) for trial in range(1, trials + 1))
        return [pytest.param(case, id=case.id) for case in own]
    folders = (node.path.parent, metafunc.config.rootpath)
    optional = marker.unplayable == "skip"
    parts = _parts(marker.split, metafunc.config.option.markexpr)

    def listed(part: str | None) -> Iterator[GoalCase]:
        goals = find_goals(marker.goals, part, marker.tags, registry=registry, folders=folders, where="ugst marker: ")
        return cases(map(edited.instead_of, goals), trials, max_turns, optional)

    try:
        return [pytest.param(case, id=case.id, marks=_marks(marker, part)) for part in parts for case in listed(part)]
    except DataMissingError as error:
        # One case that is skipped with the reason stands for goals whose data is not on this machine.
        missing = GoalCase(None, 1, max_turns, optional, skip=True)
        splits = marker.split if isinstance(marker.split, tuple) else ()
        marks = [pytest.mark.skip(reason=str(error)), *(getattr(pytest.mark, split) for split in splits)]
        return [pytest.param(missing, id="no-data", marks=marks)]


def _marks(marker: GoalMarker, part: str | None) -> list[pytest.MarkDecorator]:
    # A single split was chosen by the test's author and is no choice of whoever runs it.
    return [getattr(pytest.mark, part)] if part and isinstance(marker.split, tuple) else []


def _parts(split: str | tuple[str, ...] | None, expression: str) -> Sequence[str | None]:
    """Return the splits to play: the first, and those that ``-m`` mentions, which it then selects from."""
    if not isinstance(split, tuple):
        return (split,)
    return [part for i, part in enumerate(split) if i == 0 or re.search(rf"\b{part}\b", expression)]
