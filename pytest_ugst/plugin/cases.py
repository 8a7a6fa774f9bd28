"""Cases of goals as tests see them: what tests are parametrized with, and the case of an item."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import pytest

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.engine.spec import GoalCase, cases
from pytest_ugst.plugin.marker import GoalMarker
from pytest_ugst.roles.goal_lookup import find_goals

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from pytest_ugst.plugin.session import PluginSession


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


def parameters_of(metafunc: pytest.Metafunc, session: PluginSession) -> list[ParameterSet]:
    """Return what a test is parametrized with: the cases of the goals that its marker asks for.

    Args:
        metafunc: The test function.
        session: Gives the options, the registry, and the goals to play in place of others.

    Raises:
        UsageError: If the marker is wrong, or there are no goals.
    """
    node, settings = metafunc.definition, session.settings
    marker = GoalMarker.of(node, node.iter_markers("ugst"))
    trials = (marker and marker.trials) or settings.trials
    max_turns = (marker and marker.max_turns) or settings.max_turns
    if "episode" not in metafunc.fixturenames:
        trials = 1
    if marker is None or marker.goals is None:
        own = (GoalCase(None, trial, max_turns) for trial in range(1, trials + 1))
        return [pytest.param(case, id=case.id) for case in own]
    folders = (node.path.parent, metafunc.config.rootpath)
    return _of_marker(marker, session, folders, trials, max_turns, metafunc.config.option.markexpr)


def _of_marker(
    marker: GoalMarker, session: PluginSession, folders: Sequence[Path], trials: int, max_turns: int, expression: str
) -> list[ParameterSet]:
    """Return a marker's cases; where the goals' data is not on this machine, one that is skipped stands for them.

    Args:
        marker: The test's marker.
        session: Gives the registry, and the goals to play in place of those with the same ids.
        folders: The folders in which goal files are looked for.
        trials: How often each goal is played.
        max_turns: Turns a conversation may take where the goal does not say.
        expression: The expression of ``-m``.
    """
    optional = marker.unplayable == "skip"
    found = []
    try:
        for part in _parts(marker.split, expression):
            # A single split was chosen by the test's author and is no choice of whoever runs it.
            marks = [getattr(pytest.mark, part)] if part and isinstance(marker.split, tuple) else []
            goals = find_goals(
                marker.goals, part, marker.tags, registry=session.registry, folders=folders, where="ugst marker: "
            )
            played = map(session.edited.instead_of, goals)
            found += [pytest.param(c, id=c.id, marks=marks) for c in cases(played, trials, max_turns, optional)]
    except DataMissingError as error:
        missing = GoalCase(None, 1, max_turns, optional, skip=True)
        parts = marker.split if isinstance(marker.split, tuple) else ()
        marks = [pytest.mark.skip(reason=str(error)), *(getattr(pytest.mark, part) for part in parts)]
        return [pytest.param(missing, id="no-data", marks=marks)]
    return found


def _parts(split: str | tuple[str, ...] | None, expression: str) -> Sequence[str | None]:
    """Return the splits to play: the first, and those that ``-m`` mentions, which it then selects from."""
    if not isinstance(split, tuple):
        return (split,)
    return [part for i, part in enumerate(split) if i == 0 or re.search(rf"\b{part}\b", expression)]
