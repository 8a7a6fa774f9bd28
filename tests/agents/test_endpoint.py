"""An agent at an address: it runs its tools itself."""

from __future__ import annotations

import asyncio

import pytest

from pytest_ugst.agents.endpoint import EndpointAgent
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import RoleError
from pytest_ugst.core.protocols import NoSession
from tests.scripted_chat import ScriptedChat, reply, request


def test_an_endpoint_gets_what_was_said_and_nothing_else() -> None:
    call = ToolCall(id="x", name="find", result="r")
    talk = Conversation(turns=(Turn(user="One", tool_calls=(call,), agent="Two"), Turn(user="Three")))
    chat = ScriptedChat(
        reply("<think>a</think>Four", "b", [request("own", {"q": 1}, "z"), request("odd", None, "w", "{")])
    )
    turn = asyncio.run(EndpointAgent(chat).respond(talk, NoSession()))
    assert chat.requests == [
        [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": "Three"},
        ]
    ]
    assert chat.options[0]["tools"] is None
    assert (turn.text, turn.reasoning) == ("Four", "b\n\na")
    assert [(c.name, c.arguments) for c in turn.tool_calls] == [("own", {"q": 1}), ("odd", {"_unreadable": "{"})]
    with pytest.raises(RoleError, match="run its tools itself"):
        asyncio.run(EndpointAgent(ScriptedChat(reply("", requests=[request("own", {})]))).respond(talk, NoSession()))
    with pytest.raises(RoleError, match=r"no text$"):
        asyncio.run(EndpointAgent(ScriptedChat("")).respond(talk, NoSession()))
