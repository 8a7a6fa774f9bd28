"""The LLM agent: tool calling over a session, and answers that hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_ugst.agents.llm import LlmAgent, make_llm_agent
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import RoleError
from pytest_ugst.core.protocols import AgentTurn, NoSession, Session, ToolResult, ToolSpec
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.prompts.loader import Prompts
from tests.scripted_chat import ScriptedChat, reply, request

ASKED = Conversation(turns=(Turn(user="A table for $2?"),))


@dataclass
class Town:
    policy: str = "Be kind. $money {braces}"
    tools: Sequence[ToolSpec] = (ToolSpec("find", "Finds.", {"type": "object", "properties": {}}),)
    notes: dict[str, Any] = field(default_factory=dict)
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.called.append((name, dict(arguments)))
        if name == "crash":
            raise ZeroDivisionError("oh")
        return ToolResult(f"result of {name}", ok=name == "find")

    def scores(self, conversation: Conversation) -> dict[str, float]:
        return {}


def respond(chat: ScriptedChat, session: Session, talk: Conversation = ASKED, rounds: int = 10) -> AgentTurn:
    return asyncio.run(LlmAgent(chat, Prompts.load(), rounds).respond(talk, session))


def test_tools_are_called_side_by_side_and_results_fed_back() -> None:
    calls = reply("Let me look.", requests=[request("find", {"a": 1}, "x"), request("lose", {}, "y")])
    chat = ScriptedChat(calls, "There is one.")
    town = Town()
    turn = respond(chat, town)
    assert turn.text == "There is one."
    assert turn.tool_calls == (
        ToolCall(id="x", name="find", arguments={"a": 1}, result="result of find"),
        ToolCall(id="y", name="lose", result="result of lose", ok=False),
    )
    first, second = chat.requests
    assert town.policy in first[0]["content"]
    assert [m["role"] for m in second] == ["system", "user", "assistant", "tool", "tool"]
    assert [c["id"] for c in second[2]["tool_calls"]] == ["x", "y"]
    assert json.loads(second[2]["tool_calls"][0]["function"]["arguments"]) == {"a": 1}
    assert [m["tool_call_id"] for m in second[3:]] == ["x", "y"]
    assert [len(o["tools"]) for o in chat.options] == [1, 1]


def test_earlier_turns_come_with_their_tool_calls_and_without_reasoning() -> None:
    call = ToolCall(id="x", name="find", arguments={"a": "ü"}, result="r")
    talk = Conversation(
        turns=(
            Turn(user="One", user_reasoning="SECRET", tool_calls=(call,), agent="Two", agent_reasoning="SECRET"),
            Turn(user="Three"),
        )
    )
    chat = ScriptedChat("Four")
    respond(chat, Town(), talk)
    (messages,) = chat.requests
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert "SECRET" not in str(messages)


def test_malformed_arguments_are_told_and_not_run() -> None:
    bad = reply(requests=[request("find", None, "x", raw='{"a": ')])
    town = Town()
    chat = ScriptedChat(bad, "Sorry.")
    turn = respond(chat, town)
    assert not town.called
    (call,) = turn.tool_calls
    assert not call.ok
    assert "not a JSON object" in call.result
    fed_back = chat.requests[1][2]["tool_calls"][0]["function"]["arguments"]
    assert isinstance(json.loads(fed_back), dict)


def test_every_call_gets_an_id_of_its_own() -> None:
    twice = reply(requests=[request("find", {}, "x"), request("find", {}, "x"), request("find", {}, "")])
    turn = respond(ScriptedChat(twice, twice, "Done."), Town())
    ids = [c.id for c in turn.tool_calls]
    assert len(set(ids)) == 6
    assert all(ids)


def test_rounds_are_bounded_and_the_last_asks_for_an_answer_without_tools() -> None:
    forever = reply(requests=[request("find", {}, "x")])
    chat = ScriptedChat(forever, forever, forever, "Enough.")
    turn = respond(chat, Town(), rounds=3)
    assert turn.text == "Enough."
    assert len(turn.tool_calls) == 3
    assert [bool(o["tools"]) for o in chat.options] == [True, True, True, False]
    assert "No more tool calls" in chat.requests[3][-1]["content"]
    assert "No more tool calls" not in str(chat.requests[2])


def test_a_model_that_calls_tools_where_there_are_none_is_asked_once_more() -> None:
    forever = reply(requests=[request("find", {}, "x")])
    with pytest.raises(RoleError, match="empty answer, asked twice"):
        respond(ScriptedChat(forever), Town(), rounds=2)


def test_without_tools_none_are_sent_or_spoken_of() -> None:
    chat = ScriptedChat("Hello.")
    respond(chat, NoSession())
    assert chat.options[0]["tools"] is None
    assert "tool" not in Prompts.load().texts["agent_system.md"]
    assert Prompts.load().texts["agent_tools.md"] not in chat.requests[0][0]["content"]


def test_an_empty_answer_is_asked_for_again_once() -> None:
    chat = ScriptedChat("<think>hm</think>", reply("Hello.", reasoning="well"))
    assert respond(chat, NoSession()) == AgentTurn("Hello.", (), "hm\n\nwell")
    assert chat.requests[0] != chat.requests[1]
    with pytest.raises(RoleError, match="empty answer, asked twice"):
        respond(ScriptedChat(""), NoSession())


def test_thoughts_are_recorded_and_not_said() -> None:
    chat = ScriptedChat(reply("<think>SECRET a</think>", requests=[request("find", {}, "x")]), "SECRET b</think>Hi.")
    turn = respond(chat, Town())
    assert turn.text == "Hi."
    assert turn.reasoning == "SECRET a\n\nSECRET b"
    assert "SECRET" not in str(chat.requests[1])


def test_a_crashing_tool_is_named() -> None:
    with pytest.raises(RoleError, match="the tool 'crash' crashed: ZeroDivisionError"):
        respond(ScriptedChat(reply(requests=[request("crash", {}, "x")])), Town())


def test_made_from_a_context() -> None:
    def no_chat(model: str, role: str) -> Any:
        raise AssertionError

    agent = make_llm_agent(ScriptedChat("x"), RoleContext(chat=no_chat, max_tool_rounds=4))
    assert (agent.name, agent.max_tool_rounds) == ("scripted", 4)


def test_a_model_that_asks_for_thousands_of_calls_gets_some_of_them() -> None:
    wild = reply("", requests=[request("find", {}, "same") for _ in range(5_000)])
    town = Town()
    turn = respond(ScriptedChat(wild, "There."), town)
    assert len(town.called) == len(turn.tool_calls) == 64
    assert len({call.id for call in turn.tool_calls}) == 64
