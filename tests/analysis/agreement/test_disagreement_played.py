"""A check beside the judge leaves the decision to it."""

from __future__ import annotations

import asyncio

from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Judge
from pytest_ugst.core.status import Category, Status
from pytest_ugst.engine.goal_tracker import GoalTracker
from pytest_ugst.judges.checks import ChecksJudge
from tests.stub_roles import FirstStatus

HELLO = Condition(user_says="hello")
OBJECTIVE = Component(id="task-1", category=Category.OBJECTIVE, text="Greet.", check=Check(complete=HELLO, beside=True))
POLICY = Component(
    id="policy-1",
    category=Category.POLICY,
    text="Say please once.",
    check=Check(once=Condition(user_says="please"), beside=True),
)
ALONE = Component(id="task-2", category=Category.OBJECTIVE, text="Greet.", check=Check(complete=HELLO))


def track(judge: Judge) -> GoalState:
    async def run() -> GoalState:
        parts = (POLICY, OBJECTIVE, ALONE)
        tracker = GoalTracker(parts, judge, ChecksJudge())
        conversation = Conversation(turns=(Turn(user="hello", agent="hi"),), stop=StopReason.TURN_LIMIT)
        tracker.turn(conversation)
        return GoalState.fold(parts, await tracker.finish(conversation), 1)

    return asyncio.run(run())


def test_the_judge_decides() -> None:
    judge = FirstStatus()
    state = track(judge)
    assert judge.asked == [(1, ["policy-1", "task-1"])]
    assert state["task-1"].status is Status.INCOMPLETE
    assert state["task-2"].status is Status.COMPLETE


def test_without_a_judge_model_the_check_decides() -> None:
    assert track(ChecksJudge()).statuses() == {
        "policy-1": Status.MISALIGNED,
        "task-1": Status.COMPLETE,
        "task-2": Status.COMPLETE,
    }
