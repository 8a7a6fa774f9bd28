"""The data of the page agrees with the episodes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from pytest_ugst.analysis.failures.patterns import classify
from pytest_ugst.analysis.html.embedding import Chunks, embed
from pytest_ugst.analysis.html.records import LETTERS, SharedRecords, episode_detail, list_entry
from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from tests.analysis.html.dinner_episodes import dinner
from tests.laws import share
from tests.strategies import episodes

STATUSES = {letter: status for status, letter in LETTERS.items()}


@share(0.5)
@given(episodes())
def test_states_are_the_episodes_own(episode: Episode) -> None:
    tables = SharedRecords()
    opened = episode_detail(episode, tables)
    made = list_entry(episode, opened, tables)
    for number, component in enumerate(episode.components):
        labels = [state[component.id].label for state in episode.states]
        track = opened["tracks"][number]
        assert [STATUSES[letter] for letter in made["states"][number]] == labels
        assert track["states"] == made["states"][number]
        for turn, state in enumerate(episode.states):
            decisive = state[component.id].decisive
            place = track["why"][turn]
            assert (place >= 0) == (decisive is not None)
            if decisive is not None:
                assert track["verdicts"][place]["turn"] == decisive.turn
                assert track["verdicts"][place].get("reasoning", "") == decisive.reasoning
            assert track.get("errors", {}).get(str(turn)) == state[component.id].error
    assert made["ok"] == episode.succeeded
    goal = tables.goals[made["goal"]]
    assert goal["categories"] == [c.category for c in episode.components]


@share(0.5)
@given(episodes())
def test_all_that_was_said_is_there_and_can_be_written(episode: Episode) -> None:
    opened = json.loads(embed(episode_detail(episode, SharedRecords(), classify(episode))))
    assert opened["goal"] == episode.goal.text
    for turn, shown in zip(episode.conversation.turns, opened["turns"], strict=True):
        assert shown["user"] == turn.user
        assert shown["agent"] == turn.agent
        assert shown.get("user_reasoning") == (turn.user_reasoning or None)
        for call, called in zip(turn.tool_calls, shown.get("tools", []), strict=True):
            assert called["result"] == call.result
            assert {name: json.loads(value) for name, value in called["arguments"]} == call.arguments
    assert [c["text"] for c in opened["components"]] == [c.text for c in episode.components]


def test_what_episodes_share_is_kept_once() -> None:
    tables = SharedRecords()
    episodes = [dinner("dinner"), dinner("dinner", trial=2), dinner("lunch")]
    made = [list_entry(episode, episode_detail(episode, tables), tables) for episode in episodes]
    assert [one["goal"] for one in made] == [0, 0, 1]
    assert [one["sim"] for one in made] == [0, 0, 0]
    assert len(tables.goals) == 2


def test_a_conversation_that_broke_off() -> None:
    broken = Conversation(turns=dinner().conversation.turns[:1], stop=StopReason.AGENT_ERROR, error="no answer")
    episode = dinner(conversation=broken)
    opened = episode_detail(episode, SharedRecords())
    made = list_entry(episode, opened, SharedRecords())
    assert made["broken"]
    assert opened["broken"] == "conversation broke off (agent_error): no answer"
    assert [track[-1] for track in made["states"]] == ["E", "E", "E", "E", "A"]


def test_nothing_was_said_and_nothing_tracked() -> None:
    goal = dinner().goal.model_copy(update={"components": None})
    episode = dinner(goal=goal, conversation=Conversation(), verdicts=())
    opened: dict[str, Any] = episode_detail(episode, SharedRecords())
    assert opened["turns"] == []
    made = list_entry(episode, opened, SharedRecords())
    assert made["states"] == []
    assert not made["ok"]


def test_chunks_keep_places() -> None:
    chunks = Chunks(size=200)
    places = [chunks.add({"id": number, "text": "x" * 90}) for number in range(7)]
    assert places == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]
    chunks = Chunks(size=250)
    assert [chunks.add({"id": number, "text": "x" * 90}) for number in range(4)] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(list(chunks.packed())) == 2
