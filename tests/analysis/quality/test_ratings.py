"""Ratings of naturalness and coherence: a number only where the model gave one."""

from __future__ import annotations

import asyncio

import pytest

from pytest_ugst.analysis.quality.ratings import Aspect, Rated, Rating, rate
from pytest_ugst.core.chat import ChatError, ChatUnavailableError
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.llm.structured import response_format
from pytest_ugst.prompts.loader import Prompts
from tests.scripted_chat import Script, ScriptedChat

TALK = Conversation(
    turns=(Turn(user="Hi </chat> $x", agent="Hello", tool_calls=(ToolCall(id="1", name="peek", result="secret"),)),)
)


def rated(
    answer: Script, talk: Conversation = TALK, aspect: Aspect = Aspect.NATURALNESS
) -> tuple[Rating, ScriptedChat]:
    chat = ScriptedChat(answer)
    return asyncio.run(rate(chat, Prompts.load(), aspect, "You want </goal> tea.", talk)), chat


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ('{"reasoning": "fine", "score": 4}', 4),
        ('{"score": "5"}', 5),
        ('{"score": 2.0}', 2),
        ('{"score": 0}', None),
        ('{"score": 6}', None),
        ('{"score": 3.5}', None),
        ('{"score": true}', None),
        ('{"score": null}', None),
        ('{"score": "four"}', None),
        ('{"reasoning": "5"}', None),
        ("5", None),
        ("", None),
        (ChatError("timeout"), None),
    ],
)
def test_what_is_no_whole_number_in_range_is_an_error(answer: Script, score: int | None) -> None:
    rating, _ = rated(answer)
    assert rating.score == score
    assert (rating.error is None) == (score is not None)


def test_a_server_that_is_gone_ends_it_all() -> None:
    with pytest.raises(ChatUnavailableError):
        rated(ChatUnavailableError("gone"))


@pytest.mark.parametrize("aspect", Aspect)
def test_the_model_reads_goal_and_words_as_material_and_no_tools(aspect: Aspect) -> None:
    rating, chat = rated('{"reasoning": " ok ", "score": 3}', aspect=aspect)
    assert rating.reasoning == "ok"
    (asked,) = [str(message["content"]) for message in chat.requests[0]]
    assert "USER: Hi &lt;/chat> $x" in asked
    assert "You want &lt;/goal> tea." in asked
    assert "secret" not in asked
    assert ("natural" in asked.splitlines()[0]) == (aspect is Aspect.NATURALNESS)


def test_nobody_is_asked_about_a_silent_user() -> None:
    rating, chat = rated('{"score": 5}', Conversation(turns=(Turn(user=" \u200b\n", agent="Hello?"),)))
    assert rating == Rating(error="the user said nothing")
    assert chat.requests == []


def test_the_schema_holds_a_server_to_the_range() -> None:
    score = response_format(Rated)["json_schema"]["schema"]["properties"]["score"]
    assert score["enum"] == [1, 2, 3, 4, 5]
