"""Records survive being written and read, and hold nothing that could not be written."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.episode import SCHEMA_VERSION, Episode
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.runs.outcome import tally
from tests.factories import make_conversation, make_episode, make_goal, make_turn, policy, verdict
from tests.laws import share
from tests.strategies import conversations, episodes, goals, identifiers, usages, verdicts


@given(goals())
def test_goals(goal: Goal) -> None:
    assert Goal.model_validate_json(goal.model_dump_json()) == goal


@given(conversations)
def test_conversations(conversation: Conversation) -> None:
    assert Conversation.model_validate_json(conversation.model_dump_json()) == conversation


@given(verdicts(identifiers))
def test_verdicts(verdict: Verdict) -> None:
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


@given(episodes())
@share(0.6)
def test_episodes(episode: Episode) -> None:
    final = episode.final_state  # kept by the episode, and not to be written with it
    line = episode.model_dump_json()
    assert "\n" not in line
    back = Episode.model_validate_json(line)
    assert back == episode
    assert back.final_state == final
    assert Episode.model_validate_json(episode.model_dump_json(exclude_defaults=True)) == episode


@given(episodes(bare=True))
def test_states_of_an_episode(episode: Episode) -> None:
    states = episode.states
    assert len(states) == len(episode.conversation.turns) + 1
    assert [state.label for state in states[-1]] == [state.label for state in episode.final_state]
    assert episode.succeeded == (bool(episode.components) and not episode.final_state.failures())
    assert bool(episode.explain()) == (not episode.succeeded or episode.broken_off is not None)


@given(st.lists(usages, max_size=4))
def test_usage_adds_up(parts: list[Usage]) -> None:
    total = sum(parts, Usage())
    assert total.calls == sum(u.calls for u in parts)
    assert total.completion_tokens == sum(u.completion_tokens for u in parts)
    assert total.cost == pytest.approx(sum(u.cost for u in parts))


@given(conversations, st.integers(0, 8))
def test_the_conversation_so_far(conversation: Conversation, turn: int) -> None:
    so_far = conversation.up_to(turn)
    assert so_far.turns == conversation.turns[:turn]
    if turn < len(conversation.turns):
        assert so_far.stop is None  # nobody knew yet how it would end
    rebuilt = Conversation()
    for one in conversation.turns:
        rebuilt = rebuilt.with_turn(one)
    assert rebuilt.turns == conversation.turns


def test_where_a_goal_came_from_is_not_part_of_it() -> None:
    goal = Goal(id="g", text="x", source="trip.goal.yaml:7")
    assert "source" not in json.loads(goal.model_dump_json())


def test_a_verdict_is_a_status_or_an_error() -> None:
    with pytest.raises(ValidationError, match="either a status or an error"):
        Verdict(component="a", turn=1)
    with pytest.raises(ValidationError, match="either a status or an error"):
        Verdict(component="a", turn=1, status=Status.ALIGNED, error="no answer")


def test_an_episode_of_another_version_is_refused() -> None:
    episode = make_episode(make_goal())
    data = json.loads(episode.model_dump_json())
    assert data["schema_version"] == SCHEMA_VERSION
    with pytest.raises(ValidationError, match="schema_version"):
        Episode.model_validate({**data, "schema_version": SCHEMA_VERSION + 1})


def test_half_a_surrogate_pair_can_be_written() -> None:
    half = json.loads(r'"so \ud83d half"')
    assert isinstance(half, str)
    call = ToolCall(id="1", name="book", arguments={"name": [half]}, result=half)
    turn = Turn(user=half, tool_calls=(call,), agent=json.loads(r'"\ud83d\ude00"'))
    assert turn.user == "so � half"
    assert turn.agent == "😀"
    assert Turn.model_validate_json(turn.model_dump_json()) == turn
    item = Component(id="a", category=Category.PROFILE, text="x", slots={"name": half})
    goal = Goal(id="g", text="x", components=(item,), data={half: {"deep": [half]}})
    assert Goal.model_validate_json(goal.model_dump_json()) == goal
    with pytest.raises(ValidationError, match="unicode"):
        Goal(id="g", text=half)


def test_copies_are_validated_and_forget_what_was_cached() -> None:
    episode = make_episode(make_goal("g", policy("p")), conversation=make_conversation("u"))
    assert not episode.succeeded
    judged = episode.model_copy(update={"verdicts": (verdict("p", 1, "ALIGNED"),)})
    assert judged.succeeded
    assert not episode.succeeded
    assert Turn(user="u").model_copy(update={"agent": json.loads(r'"\ud83d"')}).agent == "�"
    with pytest.raises(ValidationError, match="agnt"):
        Turn(user="u").model_copy(update={"agnt": "a"})
    deep = episode.goal.model_copy(deep=True)
    assert deep == episode.goal
    assert deep.data is not episode.goal.data


def test_a_score_that_is_no_number_is_left_out() -> None:
    episode = make_episode(make_goal(), task={"reward": 1.0, "ratio": math.nan, "best": math.inf})
    assert episode.task == {"reward": 1.0}
    assert Episode.model_validate_json(episode.model_dump_json()) == episode


def nested(levels: int) -> dict[str, JsonValue]:
    value: JsonValue = 1
    for _ in range(levels):
        value = {"a": value}
    assert isinstance(value, dict)
    return value


def test_what_can_be_written_can_be_read_however_deeply_it_is_nested() -> None:
    def played(levels: int) -> Episode:
        call = ToolCall(id="1", name="t", arguments=nested(levels))
        return make_episode(conversation=make_conversation(make_turn("u", None, call)))

    deepest = played(100)
    assert Episode.model_validate_json(deepest.model_dump_json()) == deepest
    for levels in (101, 195, 250, 2_000):
        with pytest.raises(ValidationError):
            played(levels)


def test_an_episode_in_which_nothing_was_tracked_is_no_success() -> None:
    episode = make_episode(Goal(id="g", text="tea", components=()))
    assert not episode.succeeded
    assert "no sub-component" in episode.explain()
    assert not tally(episode).measured
