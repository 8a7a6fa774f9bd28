"""Adapters that make agents of functions and objects."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ugst.core.conversation import Conversation, ToolCall
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.protocols import Agent, AgentTurn, Session
from pytest_ugst.core.reasoning import join_reasoning, split_reasoning
from pytest_ugst.utils.callables import call, name_of, takes, text_messages


def as_agent(value: object, name: str | None = None) -> Agent:
    """Return an agent made from an agent or a function.

    Args:
        value: An :class:`Agent`, or a function ``f(messages)`` or ``f(messages, session)``, sync or async; a sync one
            runs in a thread. ``messages`` are ``{"role", "content"}`` as in the OpenAI API, without tool calls. The
            session is handed over if the second parameter is called ``session`` or has no default. It returns a string,
            an :class:`AgentTurn`, or a message such as ``{"content": "...", "tool_calls": [...]}``, whose tool calls
            are recorded and not run.
        name: The agent's name; a function's own name unless given.

    Raises:
        UsageError: For anything else.
    """
    if not isinstance(value, type):
        if isinstance(value, Agent):
            return value
        if callable(value) and (takes(value, 1) or takes(value, 2)):
            return FunctionAgent(value, name or name_of(value), _wants_session(value))
    raise UsageError(
        f"{value!r} is no agent: give an object with a name and respond(conversation, session), or a function "
        "f(messages) or f(messages, session) that returns a string, an AgentTurn or a message with 'content'"
    )


def _wants_session(function: Callable[..., Any]) -> bool:
    """Return whether a function is called with the session."""
    if not takes(function, 1):
        return True
    second = list(inspect.signature(function).parameters.values())[1:2]
    return bool(second) and second[0].name == "session" and takes(function, 2)


@dataclass(frozen=True, slots=True)
class FunctionAgent:
    """Agent that answers by calling a function."""

    function: Callable[..., Any]
    name: str
    wants_session: bool = False

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Return the function's answer.

        Raises:
            RoleError: If the function raises, or returns nothing that could be an answer.
        """
        what = f"the agent {self.name!r}"
        arguments = (text_messages(conversation), session) if self.wants_session else (text_messages(conversation),)
        return read_answer(what, await call(what, self.function, *arguments))


def read_answer(what: str, answer: Any) -> AgentTurn:
    """Read the answer of an agent of the user's own.

    Args:
        what: Words for the agent in error messages.
        answer: A string, an AgentTurn, or a message with ``content`` and maybe ``tool_calls``.

    Raises:
        RoleError: If it is none of these, or holds no text.
    """
    calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    if hasattr(answer, "model_dump") and not isinstance(answer, AgentTurn):
        answer = answer.model_dump()
    if isinstance(answer, AgentTurn):
        text, calls, reasoning = answer.text, tuple(answer.tool_calls), answer.reasoning
    elif isinstance(answer, Mapping) and "content" in answer:
        text, calls = answer["content"] or "", read_tool_calls(what, answer.get("tool_calls") or ())
        separated = answer.get("reasoning_content") or answer.get("reasoning")
        reasoning = separated if isinstance(separated, str) else None
    else:
        text = answer
    if not isinstance(text, str):
        raise RoleError(
            f"{what} returned {type(answer).__name__}; expected a string, an AgentTurn or a message with 'content'"
        )
    spoken, thoughts = split_reasoning(text)
    if not spoken:
        raise RoleError(f"{what} gave an empty answer")
    return AgentTurn(spoken, calls, join_reasoning(reasoning, thoughts))


def read_tool_calls(what: str, entries: Any) -> tuple[ToolCall, ...]:
    """Read tool calls in the OpenAI form (``function: {name, arguments}``) or flat (``name``, ``arguments``).

    ``result`` and ``ok`` are taken over where an entry has them.

    Args:
        what: Words for the agent in error messages.
        entries: The entries of ``tool_calls``.

    Raises:
        RoleError: If an entry has no name.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise RoleError(f"{what}: tool_calls has to be a list")
    calls = []
    for number, entry in enumerate(entries, 1):
        entry = entry.model_dump() if hasattr(entry, "model_dump") else entry
        if isinstance(entry, ToolCall):
            calls.append(entry)
            continue
        function = entry.get("function", entry) if isinstance(entry, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(function, Mapping) or not isinstance(name, str):
            raise RoleError(f"{what}: tool call {number} has no name")
        result = entry.get("result", "")
        calls.append(
            ToolCall(
                id=str(entry.get("id") or f"call-{number}"),
                name=name,
                arguments=_arguments(function.get("arguments")),
                result=result if isinstance(result, str) else _json(result),
                ok=bool(entry.get("ok", True)),
            )
        )
    return tuple(calls)


def _arguments(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {"_unreadable": value}
    if not isinstance(value, Mapping):
        return {}
    plain: dict[str, Any] = json.loads(_json(dict(value)))
    return plain


def _json(value: Any) -> str:
    """Return any value as JSON, since what is recorded has to be written to the journal."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({"_unreadable": str(type(value))})
