"""Overrides of goals: goals played in place of others with the same ids, such as decompositions edited by a person."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pytest_ugst.core.errors import GoalFileError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.text import counted
from pytest_ugst.goals.files import find_duplicates, goal_files_in, load_goals


class EditedGoals:
    """The goals of some files, by id; the files are read when a goal is first asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Name the files; they are not read yet.

        Args:
            paths: Goal files, or folders that are searched for them; none at all is fine.
        """
        self._paths = tuple(paths)
        self._used = False

    @cached_property
    def _goals(self) -> dict[str, Goal]:
        if not self._paths:
            return {}
        try:
            goals = [goal for file in goal_files_in(self._paths) for goal in load_goals(file)]
        except UsageError as error:
            raise type(error)(f"--ugst-goals: {error}") from None
        if duplicates := find_duplicates(goals):
            raise GoalFileError("\n".join(f"--ugst-goals: {line}" for line in duplicates))
        return {goal.id: goal for goal in goals}

    def instead_of(self, goal: Goal) -> Goal:
        """Return the edited goal with this one's id, or this one.

        Raises:
            UsageError: If a file does not exist, or is no valid goal file.
        """
        edited = self._goals.get(goal.id)
        self._used = self._used or edited is not None
        return goal if edited is None else edited

    def require_used(self) -> None:
        """Check that the edited goals were of use.

        Raises:
            UsageError: If no goal was replaced by one of them.
        """
        if self._paths and not self._used:
            first = next(iter(self._goals))
            named = ", ".join(map(str, self._paths))
            raise UsageError(
                f"--ugst-goals={named}: no test asks for a goal with an id of its {counted(len(self._goals), 'goal')} "
                f"({first}{', ...' if len(self._goals) > 1 else ''}); select tests that play them, or leave it out"
            )
