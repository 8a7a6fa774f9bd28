"""Tests of the agenda: the stack of dialogue acts, the pending subgoals, and the progress made with the current one."""

from __future__ import annotations

from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.simulators.agenda.agenda import PATIENCE, Agenda
from pytest_ugst.simulators.agenda.user_goal import Subgoal
from tests.factories import objective, requirement, verdict

FIRST = Subgoal("restaurant", "find", objective="task-1", parts=("task-1.requirement-1",))
SECOND = Subgoal("hotel", "book", objective="task-2")
COMPONENTS = (
    objective("task-1", text="Find a restaurant."),
    requirement("task-1.requirement-1", "task-1", text="In the north."),
    objective("task-2", text="Book a hotel."),
)


def complete(*names: str) -> GoalState:
    return GoalState.fold(COMPONENTS, [verdict(name, 1, "COMPLETE") for name in names], 1)


def test_the_act_pushed_last_is_popped_first() -> None:
    agenda = Agenda([])
    agenda.push("inform", "For two people.")
    agenda.push("aside", "Let me see.")
    top = agenda.top
    assert top is not None
    assert (top.kind, agenda.pop(), agenda.pop().text) == ("aside", top, "For two people.")
    assert agenda.top is None


def test_subgoals_are_brought_up_in_their_order() -> None:
    agenda = Agenda([FIRST, SECOND])
    assert agenda.start_next(None) is FIRST
    agenda.progress.informed.add("area")
    assert agenda.uninformed({"area": "north", "day": "friday"}) == {"day": "friday"}
    assert agenda.close() is FIRST
    assert agenda.subgoal is None
    assert agenda.start_next(None) is SECOND
    assert agenda.uninformed({"area": "north"}) == {"area": "north"}
    assert agenda.start_next(None) is None


def test_a_subgoal_is_left_out_once_the_objective_and_all_its_parts_are_successful() -> None:
    assert Agenda([FIRST, SECOND]).start_next(complete("task-1")) is FIRST
    assert Agenda([FIRST, SECOND]).start_next(complete("task-1", "task-1.requirement-1")) is SECOND
    assert Agenda([FIRST, SECOND]).start_next(complete("task-1", "task-1.requirement-1", "task-2")) is None


def test_patience_ends_and_is_restored_with_a_subgoal_that_is_taken_up_again() -> None:
    agenda = Agenda([FIRST])
    agenda.start_next(None)
    agenda.progress.found = True
    assert [agenda.count_repetition() for _ in range(PATIENCE + 1)] == [True] * PATIENCE + [False]
    subgoal = agenda.close()
    assert subgoal is not None
    agenda.reopen(subgoal)
    assert agenda.count_repetition()
    assert agenda.progress.found


def test_a_fact_is_requested_a_limited_number_of_times() -> None:
    agenda = Agenda([FIRST])
    for _ in range(PATIENCE):
        assert agenda.may_request("phone")
        agenda.count_request("phone")
    assert not agenda.may_request("phone")
    assert agenda.may_request("address")
