"""A goal's sub-components as text that people compare: an outline, and the difference of two."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from pytest_ugst.core.goal import Goal
from pytest_ugst.core.status import Category

_HEADINGS = {Category.PROFILE: "profile", Category.POLICY: "policy", Category.OBJECTIVE: "task"}


def outline(goal: Goal) -> list[str]:
    """One line per sub-component, with what belongs to an objective below it."""
    if goal.components is None:
        return []
    return [
        f"    {component.category}: {component.text}"
        if component.category in (Category.REQUIREMENT, Category.PREFERENCE)
        else f"{_HEADINGS[component.category]}: {component.text}"
        for component in goal.components
    ]


def difference(old: Iterable[Goal], new: Iterable[Goal]) -> list[str]:
    """How the sub-components of goals differ, as lines of which the changed ones begin with ``-`` and ``+``.

    Goals are matched by id. Nothing is said of those that are the same.
    """
    before: Mapping[str, Goal] = {goal.id: goal for goal in old}
    after: Mapping[str, Goal] = {goal.id: goal for goal in new}
    told: list[str] = []
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            told.append(f"{name}: only in the older one")
        elif name not in before:
            told.append(f"{name}: only in the newer one")
        elif (was := outline(before[name])) != (now := outline(after[name])):
            told.append(f"{name}:")
            lines = difflib.ndiff(was, now)
            told += [f"  {line}" for line in lines if not line.startswith("?")]
    return told
