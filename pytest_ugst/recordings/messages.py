"""Conversations as OpenAI-style messages, read into our own records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import UsageError


def conversation_from_messages(messages: Sequence[Mapping[str, Any]]) -> Conversation:
    """Read a conversation from chat completions messages.

    A turn is a user's message with all that the agent does until the user speaks again: its tool calls with their
    results, and its text. Several messages of one side in a row are joined by line breaks. System messages, and what
    the agent said before the user's first message, are left out. How the conversation ended is not known from
    messages, so ``stop`` stays None.

    Args:
        messages: Mappings with ``role`` (system, developer, user, assistant or tool) and ``content``; messages of the
            assistant may have ``tool_calls``, those of tools have a ``tool_call_id``.

    Raises:
        UsageError: If a message has another role or form; names its position, counted from 1.

    Example:
        >>> import pytest_ugst as ugst
        >>> call = {"id": "1", "type": "function", "function": {"name": "sell", "arguments": '{"drink": "tea"}'}}
        >>> talk = ugst.conversation_from_messages([
        ...     {"role": "user", "content": "A tea, please."},
        ...     {"role": "assistant", "content": None, "tool_calls": [call]},
        ...     {"role": "tool", "tool_call_id": "1", "content": "sold"},
        ...     {"role": "assistant", "content": "Here you are."},
        ... ])
        >>> talk.turns[0].tool_calls[0].arguments, talk.turns[0].agent
        ({'drink': 'tea'}, 'Here you are.')
    """
    turns: list[_OpenTurn] = []
    for number, message in enumerate(messages, 1):
        role = message.get("role") if isinstance(message, Mapping) else None
        try:
            _add(turns, str(role), message)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise UsageError(
                f"message {number}: {error}; give messages as the chat completions API has them, with role and content"
            ) from None
    return Conversation(turns=tuple(turn.closed() for turn in turns))


class _OpenTurn:
    """A turn that is being read."""

    def __init__(self, user: str) -> None:
        self.user = [user]
        self.agent: list[str] = []
        self.calls: dict[str, dict[str, Any]] = {}

    def closed(self) -> Turn:
        calls = tuple(ToolCall(**call) for call in self.calls.values())
        return Turn(user="\n".join(self.user), tool_calls=calls, agent="\n".join(self.agent) if self.agent else None)


def _add(turns: list[_OpenTurn], role: str, message: Mapping[str, Any]) -> None:
    if role in ("system", "developer"):
        return
    if role == "user":
        text = _text(message.get("content"))
        if turns and not turns[-1].agent and not turns[-1].calls:
            turns[-1].user.append(text)
        else:
            turns.append(_OpenTurn(text))
    elif role == "assistant":
        if turns:
            _add_answer(turns[-1], message)
    elif role == "tool":
        if turns:
            _add_result(turns[-1], message)
    else:
        raise ValueError(f"role is {role!r}")


def _add_answer(turn: _OpenTurn, message: Mapping[str, Any]) -> None:
    if text := _text(message.get("content")):
        turn.agent.append(text)
    for call in message.get("tool_calls") or ():
        function = call["function"]
        name, arguments = str(function["name"]), function.get("arguments")
        parsed = json.loads(arguments) if isinstance(arguments, str) and arguments.strip() else arguments or {}
        if not isinstance(parsed, dict):
            raise ValueError(f"the arguments of {name} are no JSON object")
        turn.calls[str(call["id"])] = {"id": str(call["id"]), "name": name, "arguments": parsed}


def _add_result(turn: _OpenTurn, message: Mapping[str, Any]) -> None:
    name = str(message["tool_call_id"])
    if name not in turn.calls:
        raise ValueError(f"tool_call_id is {name!r}, and no call of this turn has that id")
    turn.calls[name]["result"] = _text(message.get("content"))


def _text(content: Any) -> str:
    """Return the text of a message's content, which may be a list of parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")
    raise TypeError(f"content is a {type(content).__name__}")
