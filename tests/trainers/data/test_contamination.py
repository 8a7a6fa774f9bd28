"""Training and test goals can't mix."""

from __future__ import annotations

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.roles.batch import builtin_registry
from pytest_ugst.roles.builtins import concierge_goals
from pytest_ugst.trainers.data.contamination import require_no_test_goals, suite_test_goals


@pytest.fixture(scope="module")
def tested() -> dict[str, list[Goal]]:
    return suite_test_goals(builtin_registry())


def test_the_shipped_test_goals_are_known(tested: dict[str, list[Goal]]) -> None:
    assert len(tested["concierge"]) == 32
    assert len(tested["multiwoz_challenge"]) == 150


def test_train_goals_are_fine(tested: dict[str, list[Goal]]) -> None:
    require_no_test_goals({g.id: g.text for g in concierge_goals("train")}, tested, "data")


def test_a_test_goal_is_found_by_id_and_by_text(tested: dict[str, list[Goal]]) -> None:
    first, second, *_ = concierge_goals("test")
    goals = {first.id: "other words", "renamed": second.text.upper().replace(" ", "\n"), "fine": "something else"}
    with pytest.raises(UsageError, match=f"{first.id}, renamed of concierge.*concierge:train"):
        require_no_test_goals(goals, tested, "data")


def test_many_are_counted(tested: dict[str, list[Goal]]) -> None:
    goals = {g.id: g.text for g in concierge_goals("test")}
    with pytest.raises(UsageError, match="and 27 more of concierge"):
        require_no_test_goals(goals, tested, "data")
