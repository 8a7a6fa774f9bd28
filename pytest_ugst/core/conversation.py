"""Conversations: turns of a user and an agent, tool calls, and how a conversation ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from pytest_ugst.core.base import Frozen, SafeText, writable


class StopReason(StrEnum):
    """Why a conversation is over."""

    USER_ENDED = "user_ended"
    TURN_LIMIT = "turn_limit"
    AGENT_ERROR = "agent_error"
    USER_ERROR = "user_error"
    OUT_OF_SCOPE = "out_of_scope"
    """The simulator says that its goal does not tell how to go on."""


BROKEN_OFF = frozenset({StopReason.AGENT_ERROR, StopReason.USER_ERROR})
"""Stop reasons after which a missing success says nothing about the simulator."""


class ToolCall(Frozen):
    """One call of a domain's tool by the agent, with what it returned."""

    id: SafeText
    name: SafeText
    arguments: Annotated[dict[str, JsonValue], AfterValidator(writable)] = Field(default_factory=dict)
    result: SafeText = ""
    """What the agent got to read."""
    ok: bool = True
    """False for an error result."""


class Turn(Frozen):
    """One user utterance and the agent's answer to it."""

    user: SafeText
    user_reasoning: SafeText | None = None
    """What the simulator thought first; the agent never sees it."""
    tool_calls: tuple[ToolCall, ...] = ()
    agent: SafeText | None = None
    """None where the conversation ended before the agent could answer."""
    agent_reasoning: SafeText | None = None


class Closing(Frozen):
    """How the simulator said that the conversation is over."""

    text: SafeText
    """The utterance as the simulator produced it, with the termination indicator."""
    separate: bool
    """Whether the indicator came as a message of its own, as the rules ask."""
    asked: bool = False
    """Whether the same utterance asked for something that the agent then could not answer."""
    before_reply: bool = False
    """Whether the agent had not yet answered anything."""
    reasoning: SafeText | None = None


class Conversation(Frozen):
    """A conversation, so far or complete. Turns count from 1."""

    turns: tuple[Turn, ...] = ()
    stop: StopReason | None = None
    closing: Closing | None = None
    error: SafeText | None = None
    """What went wrong, where ``stop`` is an error."""

    def up_to(self, turn: int) -> Conversation:
        """The conversation as it was after ``turn`` turns."""
        return self if turn >= len(self.turns) else Conversation(turns=self.turns[:turn])

    def with_turn(self, turn: Turn) -> Conversation:
        """The conversation with one more turn."""
        return Conversation(turns=(*self.turns, turn), stop=self.stop, closing=self.closing, error=self.error)
