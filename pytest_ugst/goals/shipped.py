"""The goals that are shipped. Their files do not change, so that each is read once per process."""

from __future__ import annotations

from functools import cache

from pytest_ugst.config.shipped import shipped
from pytest_ugst.core.goal import Goal
from pytest_ugst.goals.files import load_goals


@cache
def shipped_goals(file: str) -> tuple[Goal, ...]:
    """Return the goals of a shipped file.

    Args:
        file: The file's name in the folder of shipped goals.

    Raises:
        GoalFileError: If there is no such file.
    """
    return tuple(load_goals(shipped("goals") / file))
