"""Outlines of goals for comparison: the sub-components as text, and the difference of two outlines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from pytest_ugst.core.goal import Goal
from pytest_ugst.core.status import Category

_HEADINGS = {Category.PROFILE: "profile", Category.POLICY: "policy", Category.OBJECTIVE: "task"}


def outline(goal: Goal) -> list[str]:
    """Return a line per sub-component, with what belongs to an objective below it."""
    if goal.components is None:
        return []
    return [
        f"    {component.category}: {component.text}"
        if component.category in (Category.REQUIREMENT, Category.PREFERENCE)
        else f"{_HEADINGS[component.category]}: {component.text}"
        for component in goal.components
    ]


def difference(old: Iterable[Goal], new: Iterable[Goal]) -> list[str]:
    """Return the differences of the sub-components of goals.

    Goals are matched by id; those that are the same are left out.

    Args:
        old: The older goals.
        new: The newer goals.

    Returns:
        Lines, of which the changed ones begin with ``-`` and ``+``.
    """
    before: Mapping[str, Goal] = {goal.id: goal for goal in old}
    after: Mapping[str, Goal] = {goal.id: goal for goal in new}
    lines: list[str] = []
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            lines.append(f"{name}: only in the older one")
        elif name not in before:
            lines.append(f"{name}: only in the newer one")
        elif (was := outline(before[name])) != (now := outline(after[name])):
            lines.append(f"{name}:")
            lines += [f"  {line}" for line in difflib.ndiff(was, now) if not line.startswith("?")]
    return lines
