"""Assertions of your own on the conversations, beside the goals themselves."""

from __future__ import annotations

import pytest

import pytest_ugst as ugst

pytestmark = pytest.mark.ugst(goals="goals")


def test_the_agent_orders_once(episode: ugst.Episode) -> None:
    """Check what the agent did, whatever the user said."""
    calls = [call for turn in episode.conversation.turns for call in turn.tool_calls]
    assert [call.name for call in calls] == ["place_order"]
    assert calls[0].result.endswith("euros")


def test_the_agent_asks_no_question_twice(episode: ugst.Episode) -> None:
    """Check what the agent said."""
    questions = [turn.agent for turn in episode.conversation.turns if turn.agent and turn.agent.endswith("?")]
    assert len(questions) == len(set(questions))
