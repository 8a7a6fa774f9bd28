"""The shipped goals: read once, and the same as in their files."""

from __future__ import annotations

import pytest

from pytest_ugst.config.shipped import shipped
from pytest_ugst.core.errors import GoalFileError
from pytest_ugst.goals.files import goal_files_in, load_goals
from pytest_ugst.goals.shipped import shipped_goals


@pytest.mark.parametrize("file", [path.name for path in goal_files_in([shipped("goals")])])
def test_a_file_is_read_once(file: str) -> None:
    goals = shipped_goals(file)
    assert list(goals) == load_goals(shipped("goals") / file)
    assert shipped_goals(file) is goals


def test_there_are_no_others() -> None:
    with pytest.raises(GoalFileError, match=r"none\.goal\.yaml"):
        shipped_goals("none.goal.yaml")
