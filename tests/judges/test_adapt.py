"""Functions as judges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.status import Status
from pytest_ugst.judges.adapt import as_judge
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.prompts.loader import Prompts
from tests.factories import ONE_OF_EACH, make_conversation, verdict
from tests.scripted_chat import ScriptedChat

PARTS = ONE_OF_EACH
TALK = make_conversation("A room, please. I'm Ann.", "Book it for “two”.")


def test_functions_judge_too() -> None:
    async def mine(component: Component, conversation: Conversation, turn: int) -> Any:
        return {
            "profile-1": Status.MISALIGNED,
            "policy-1": "ALIGNED",
            "task-1": verdict("task-1", turn, "COMPLETE", by=""),
            "task-1.requirement-1": verdict("task-1", turn, "COMPLETE", by=""),
        }.get(component.id)

    verdicts = asyncio.run(as_judge(mine).judge(PARTS, TALK, 2))
    assert [v.status for v in verdicts] == [Status.MISALIGNED, Status.ALIGNED, Status.COMPLETE, None, None]
    assert all(v.by == "mine" for v in verdicts)
    assert "about 'task-1'" in (verdicts[3].error or "")
    assert "returned None; expected MISALIGNED, ALIGNED" in (verdicts[4].error or "")

    def broken(component: Component, conversation: Conversation, turn: int) -> str:
        raise KeyError("x")

    verdicts = asyncio.run(as_judge(broken, "own").judge(PARTS[:1], TALK, 2))
    assert (verdicts[0].error or "").startswith("the judge 'own' failed: KeyError: 'x' (")
    assert "test_adapt.py:" in (verdicts[0].error or "")


def test_judges_pass_and_the_rest_is_told_what_would() -> None:
    llm = LlmJudge(ScriptedChat("x"), Prompts.load())
    assert as_judge(llm) is llm
    for value in (None, "gpt", LlmJudge, lambda component: "ALIGNED"):
        with pytest.raises(UsageError, match="is no judge: give"):
            as_judge(value)
