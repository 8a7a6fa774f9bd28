"""An agent behind an HTTP endpoint that speaks chat completions."""

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
    """Somebody's own agent. It has its own tools and its own policy, so it gets what was said and nothing else.

    Tool calls that its answer reports are recorded and not run; a result is not known of them.
    """

    chat: Chat
    """The endpoint."""

    @property
    def name(self) -> str:
        """The address or alias it was asked for by."""
        return self.chat.name

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Answer.

        Raises:
            RoleError: If the endpoint can't be reached, or its answer holds no text.
        """
        messages = cast("list[Message]", text_messages(conversation))
        reply = await self.chat.complete(messages)
        spoken, thoughts = split_reasoning(reply.text)
        if not spoken:
            asked = " but tool calls; it has to run its tools itself" if reply.tool_requests else ""
            raise RoleError(f"the agent at {self.name!r} answered with no text{asked}")
        calls = tuple(
            ToolCall(
                id=r.id, name=r.name, arguments=r.arguments if r.arguments is not None else {"_unreadable": r.raw[:400]}
            )
            for r in reply.tool_requests
        )
        return AgentTurn(spoken, calls, join_reasoning(reply.reasoning, thoughts))
