"""The agent behind an HTTP endpoint that serves chat completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ugst.core.conversation import Conversation, ToolCall
from pytest_ugst.core.errors import RoleError
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.core.reasoning import join_reasoning, split_reasoning
from pytest_ugst.utils.callables import text_messages

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat, Message


@dataclass(frozen=True, slots=True)
class EndpointAgent:
    """Agent that somebody else runs.

    It has its own tools and its own policy, so it gets the words of user and agent and nothing else. Tool calls that
    its answer reports are recorded and not run; their results are not known.
    """

    chat: Chat
    """Client of the endpoint."""

    @property
    def name(self) -> str:
        """The address or alias by which it was named."""
        return self.chat.name

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Return the endpoint's answer.

        Raises:
            RoleError: If the endpoint can't be reached, or its answer holds no text.
        """
        messages = cast("list[Message]", text_messages(conversation))
        reply = await self.chat.complete(messages)
        spoken, thoughts = split_reasoning(reply.text)
        if not spoken:
            hint = " but tool calls; it has to run its tools itself" if reply.tool_requests else ""
            raise RoleError(f"the agent at {self.name!r} answered with no text{hint}")
        calls = tuple(
            ToolCall(
                id=r.id, name=r.name, arguments=r.arguments if r.arguments is not None else {"_unreadable": r.raw[:400]}
            )
            for r in reply.tool_requests
        )
        return AgentTurn(spoken, calls, join_reasoning(reply.reasoning, thoughts))
