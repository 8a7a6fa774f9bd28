"""Conversations as chat completions messages: what is read, what is left out, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.recordings.messages import conversation_from_messages
from pytest_ugst.utils.callables import text_messages


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def call(tool: str, call_id: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


def test_calls_results_and_answer_belong_to_the_turn_they_follow() -> None:
    talk = conversation_from_messages(
        [
            {"role": "system", "content": "Be kind."},
            {"role": "assistant", "content": "Hello! How can I help?"},
            user("Book the Ivy."),
            user("For two."),
            call("find", "1", name="Ivy"),
            {"role": "tool", "tool_call_id": "1", "content": "free"},
            call("book", "2", people=2),
            {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "A1"}]},
            {"role": "assistant", "content": "Booked."},
            {"role": "assistant", "content": "Anything else?"},
            user("No."),
        ]
    )
    first, last = talk.turns
    assert first.user == "Book the Ivy.\nFor two."
    assert [(c.name, c.arguments, c.result) for c in first.tool_calls] == [
        ("find", {"name": "Ivy"}, "free"),
        ("book", {"people": 2}, "A1"),
    ]
    assert first.agent == "Booked.\nAnything else?"
    assert (last.user, last.agent, talk.stop) == ("No.", None, None)


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ({"role": "robot", "content": "x"}, "message 2: role is 'robot'"),
        ({"content": "x"}, "message 2: role is 'None'"),
        ("text", "message 2: role is 'None'"),
        ({"role": "user", "content": 3}, "message 2: content is a int"),
        ({"role": "tool", "tool_call_id": "9", "content": "x"}, "message 2: tool_call_id is '9'"),
        (
            call("f", "1") | {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "[1]"}}]},
            "no JSON object",
        ),
        (call("f", "1") | {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{"}}]}, "message 2"),
        (call("f", "1") | {"tool_calls": [{"id": "1"}]}, "message 2"),
    ],
)
def test_another_form_is_refused_with_its_position(message: Any, fault: str) -> None:
    with pytest.raises(UsageError, match="chat completions API") as raised:
        conversation_from_messages([user("Hi"), message])
    assert fault in str(raised.value)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=20)


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_what_our_own_records_are_written_as_is_read_back(turns: list[tuple[str, str]]) -> None:
    talk = Conversation.model_validate({"turns": [{"user": said, "agent": answer} for said, answer in turns]})
    assert conversation_from_messages(text_messages(talk)) == talk
