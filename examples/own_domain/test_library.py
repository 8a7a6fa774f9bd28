"""Assertions on the work of the agent: by the domain's scores, and by the tables at the end."""

from __future__ import annotations

import pytest

import pytest_ugst as ugst
from own_domain.library import Library

pytestmark = pytest.mark.ugst(goals="goals")


def test_the_agent_did_what_the_goal_asks_for(episode: ugst.Episode) -> None:
    """Check the scores that the domain gave at the end of the conversation."""
    assert episode.task == {"task": 1.0, "loans": 1.0, "reservations": 1.0}


def test_the_tables_at_the_end(episode: ugst.Episode) -> None:
    """Check the tables themselves, by making the agent's calls once more in a fresh session."""
    session = Library().open(episode.goal, seed=0)
    for turn in episode.conversation.turns:
        for call in turn.tool_calls:
            assert session.call(call.name, call.arguments) == (call.result, call.ok)
    edits = session.edits()
    added = {name: table.added for name, table in edits.items() if table.added}
    assert added == episode.goal.data
    assert "cards" not in edits
