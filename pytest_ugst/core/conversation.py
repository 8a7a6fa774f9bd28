"""The records of conversations: turns of a user and an agent, tool calls, and how a conversation ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from pytest_ugst.core.base import Frozen, SafeText, writable


class StopReason(StrEnum):
    """The reasons for which a conversation ends.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.StopReason("turn_limit")
        <StopReason.TURN_LIMIT: 'turn_limit'>
    """

    USER_ENDED = "user_ended"
    TURN_LIMIT = "turn_limit"
    AGENT_ERROR = "agent_error"
    USER_ERROR = "user_error"
    OUT_OF_SCOPE = "out_of_scope"
    """The simulator reported that its goal does not say how to go on."""


BROKEN_OFF = frozenset({StopReason.AGENT_ERROR, StopReason.USER_ERROR})
"""The stop reasons after which a missing success says nothing about the simulator."""


class ToolCall(Frozen):
    """A call of a domain's tool by the agent, with its result.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.ToolCall(id="1", name="find_table", arguments={"people": 2}, result="table 7").ok
        True
    """

    id: SafeText
    name: SafeText
    arguments: Annotated[dict[str, JsonValue], AfterValidator(writable)] = Field(default_factory=dict)
    result: SafeText = ""
    """The text that the agent received."""
    ok: bool = True
    """False for an error result."""


class Turn(Frozen):
    """A user's utterance and the agent's answer to it.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.Turn(user="A tea, please.", agent="Large or small?").agent
        'Large or small?'
    """

    user: SafeText
    user_reasoning: SafeText | None = None
    """The simulator's reasoning before the utterance, which the agent never sees."""
    tool_calls: tuple[ToolCall, ...] = ()
    agent: SafeText | None = None
    """None where the conversation ended before the agent could answer."""
    agent_reasoning: SafeText | None = None


class Closing(Frozen):
    """The simulator's message that the conversation is over.

    Example:
        >>> import pytest_ugst as ugst
        >>> closing = ugst.Closing(text="TERMINATE", separate=True)
        >>> ugst.UserTurn("", stop=ugst.StopReason.USER_ENDED, closing=closing).stop
        <StopReason.USER_ENDED: 'user_ended'>
    """

    text: SafeText
    """The utterance as the simulator produced it, with the termination indicator."""
    separate: bool
    """True if the indicator came as a message of its own, as the rules ask."""
    asked: bool = False
    """True if the same utterance asked for something, which the agent then could not answer."""
    before_reply: bool = False
    """True if the agent had not answered anything yet."""
    reasoning: SafeText | None = None


class Conversation(Frozen):
    """A conversation, complete or still going on. Turns count from 1.

    Example:
        >>> import pytest_ugst as ugst
        >>> talk = ugst.Conversation(turns=(ugst.Turn(user="A tea.", agent="Large?"), ugst.Turn(user="Small.")))
        >>> talk.up_to(1).turns[-1].agent
        'Large?'
    """

    turns: tuple[Turn, ...] = ()
    stop: StopReason | None = None
    closing: Closing | None = None
    error: SafeText | None = None
    """The error, where ``stop`` is one."""

    def up_to(self, turn: int) -> Conversation:
        """Return the conversation as it was after ``turn`` turns."""
        return self if turn >= len(self.turns) else Conversation(turns=self.turns[:turn])

    def with_turn(self, turn: Turn) -> Conversation:
        """Return the conversation with one more turn."""
        return Conversation(turns=(*self.turns, turn), stop=self.stop, closing=self.closing, error=self.error)
