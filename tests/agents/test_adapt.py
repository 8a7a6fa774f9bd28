"""Tests of agents of the user's own: functions, messages, and clear error messages for the rest."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from pytest_ugst.agents.adapt import as_agent
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.protocols import AgentTurn, NoSession, Session

TALK = Conversation(turns=(Turn(user="One", agent="Two"), Turn(user="Three")))


def respond(value: object) -> AgentTurn:
    return asyncio.run(as_agent(value).respond(TALK, NoSession()))


def returning(answer: Any) -> Any:
    return lambda messages: answer


def test_an_async_function_gets_the_messages() -> None:
    async def mine(messages: list[dict[str, Any]]) -> str:
        return " ".join(f"{m['role']}:{m['content']}" for m in messages)

    assert as_agent(mine).name == "mine"
    assert respond(mine).text == "user:One assistant:Two user:Three"


def test_a_sync_function_runs_beside_the_loop() -> None:
    seen = []

    def mine(messages: list[dict[str, Any]]) -> str:
        seen.append(threading.current_thread())
        return "ok"

    respond(mine)
    assert seen[0] is not threading.main_thread()


def test_the_session_goes_to_who_asks_for_it() -> None:
    def named(messages: object, session: Session | None = None) -> str:
        return f"named {session is not None}"

    def required(messages: object, anything: Session) -> str:
        return f"required {anything.policy[:3]}"

    def other(messages: object, temperature: float = 0.5) -> str:
        return f"other {temperature}"

    assert [respond(f).text for f in (named, required, other)] == ["named True", "required You", "other 0.5"]


class CallableObject:
    async def __call__(self, messages: object) -> str:
        return "called"


def test_objects_that_can_be_called_and_agents_as_they_are() -> None:
    assert respond(CallableObject()).text == "called"
    assert as_agent(CallableObject()).name == "CallableObject"

    class Own:
        name = "own"

        async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
            return AgentTurn("x")

    own = Own()
    assert as_agent(own) is own
    with pytest.raises(UsageError, match="is no agent: give"):
        as_agent(Own)


def test_messages_with_tool_calls_are_read_in_both_forms() -> None:
    openai = {"id": "a", "type": "function", "function": {"name": "find", "arguments": '{"x": 1}'}}
    flat = {"name": "book", "arguments": {"when": object}, "result": {"ok": True}, "ok": False}
    broken = {"function": {"name": "odd", "arguments": "{"}}
    endless: dict[str, Any] = {}
    endless["self"] = endless
    calls = [openai, flat, broken, {"name": "loop", "arguments": endless}]
    turn = respond(returning({"content": "<think>t</think>Hi", "tool_calls": calls}))
    assert (turn.text, turn.reasoning) == ("Hi", "t")
    first, second, third, fourth = turn.tool_calls
    assert first == ToolCall(id="a", name="find", arguments={"x": 1})
    assert (second.name, second.result, second.ok) == ("book", '{"ok": true}', False)
    assert third.arguments == {"_unreadable": "{"}
    assert list(fourth.arguments) == ["_unreadable"]


def test_a_pydantic_message_and_an_agent_turn() -> None:
    from openai.types.chat import ChatCompletionMessage

    assert respond(returning(ChatCompletionMessage(role="assistant", content="Hi"))).text == "Hi"
    assert respond(returning(AgentTurn("Hi", (), "why"))) == AgentTurn("Hi", (), "why")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (3, "returned int; expected a string"),
        (None, "returned NoneType"),
        ({"text": "x"}, "returned dict"),
        ("  ", "empty answer"),
        ("<think>only", "empty answer"),
        ({"content": None}, "empty answer"),
        ({"content": "x", "tool_calls": [{"id": "a"}]}, "tool call 1 has no name"),
        ({"content": "x", "tool_calls": "find"}, "has to be a list"),
        ({"content": "x", "tool_calls": ["find"]}, "tool call 1 has no name"),
    ],
)
def test_answers_that_are_none_are_said(answer: Any, message: str) -> None:
    with pytest.raises(RoleError, match=message):
        respond(returning(answer))


def test_an_exception_names_the_agent() -> None:
    def mine(messages: object) -> str:
        raise KeyError("x")

    with pytest.raises(RoleError, match="the agent 'mine' failed: KeyError"):
        respond(mine)


@pytest.mark.parametrize("value", [None, 3, "http://x", lambda: "hi", lambda a, b, c: "hi"])
def test_anything_else_is_no_agent(value: object) -> None:
    with pytest.raises(UsageError, match=r"f\(messages\) or f\(messages, session\)"):
        as_agent(value)
