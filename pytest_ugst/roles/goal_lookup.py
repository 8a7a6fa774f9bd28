"""Finding goals by what names them: a goal source, a goal file or folder, or the goals themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import GoalFileError, UsageError, unknown
from pytest_ugst.core.goal import Goal
from pytest_ugst.goals.files import SUFFIXES, find_duplicates, is_goal_file, load_goals

if TYPE_CHECKING:
    from pytest_ugst.core.registry import Registry


def find_goals(
    names: Any,
    split: str | None = None,
    tags: Collection[str] = (),
    *,
    registry: Registry,
    folders: Sequence[Path],
    where: str = "",
) -> list[Goal]:
    """Find the goals of one split.

    Args:
        names: The name of a goal source (``concierge``, or ``concierge:train`` for one of its parts), a goal file or a
            folder of them, a goal, or a list of any of these.
        split: Keep the goals of this split; None keeps all.
        tags: Keep the goals that carry all of these.
        registry: Where goal sources are found by name.
        folders: Where relative paths are looked for, in this order.
        where: Begins the messages, such as ``"ugst marker: "``.

    Raises:
        UsageError: If there are none, or a name stands for nothing.
    """
    goals: list[Goal] = []
    for each in names if isinstance(names, list | tuple) else [names]:
        if isinstance(each, Goal):
            goals.append(each)
        elif isinstance(each, str | Path):
            goals += _named(str(each), split, registry, folders)
        else:
            raise UsageError(f"{where}goals={each!r}; give a goal source's name, a path, a Goal, or a list of them")
    kept = [goal for goal in goals if set(tags) <= set(goal.tags)]
    if not kept:
        asked = ", ".join(filter(None, [f"split {split!r}" if split else "", *map(repr, tags)]))
        raise UsageError(f"{where}no goal of {names!r} is left" + (f" after {asked}" if asked else ""))
    return kept


def _named(name: str, split: str | None, registry: Registry, folders: Sequence[Path]) -> list[Goal]:
    source, _, part = name.partition(":")
    if source in registry.goal_sources:
        return list(registry.goal_sources.get(source)(part or split or None))
    for folder in folders:
        path = folder / name
        if path.is_dir():
            goals = [g for file in sorted(path.iterdir()) if is_goal_file(file) for g in load_goals(file)]
        elif path.is_file():
            if not is_goal_file(path):
                raise UsageError(f"{path}: not a goal file; its name has to end with {', '.join(SUFFIXES)}")
            goals = load_goals(path)
        else:
            continue
        if duplicates := find_duplicates(goals):
            raise GoalFileError("\n".join(duplicates))
        return [g for g in goals if split is None or split in g.tags]
    raise UsageError(
        f"{unknown('goal source', name, registry.goal_sources.entries)}; nor is there such a file or folder"
    )
