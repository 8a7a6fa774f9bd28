"""The agent played by a language model, with a domain's tools by OpenAI tool calling."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pytest_ugst.core.conversation import Conversation, ToolCall
from pytest_ugst.core.errors import RoleError
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.core.reasoning import join_reasoning, split_reasoning
from pytest_ugst.prompts.loader import Prompts

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat, Message, ToolRequest
    from pytest_ugst.core.registry import RoleContext

UNREADABLE = "_unreadable"
"""The name of the argument that records the text of arguments that were not a JSON object."""

_SHOWN = 400  # characters of malformed arguments that are recorded and shown to the model again
_AT_ONCE = 64  # calls of one round that are made; a model that runs wild may ask for thousands


def make_llm_agent(chat: Chat, context: RoleContext) -> LlmAgent:
    """Return an agent played by a model.

    Raises:
        UsageError: For a bad folder of prompts.
    """
    return LlmAgent(chat, Prompts.load(context.prompts), context.max_tool_rounds)


@dataclass(frozen=True, slots=True)
class LlmAgent:
    """Agent played by a model, which calls the session's tools. It keeps no state between calls."""

    chat: Chat
    prompts: Prompts
    max_tool_rounds: int = 10
    """How many times in one turn the model may ask for tools; after that it has to answer."""

    @property
    def name(self) -> str:
        """The model's alias."""
        return self.chat.name

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Let the model call tools until it gives an answer, and return that.

        Raises:
            RoleError: If the model can't be reached, a tool crashes, or there is no answer even when asked again.
        """
        messages = self.messages(conversation, session)
        tools = [tool.openai() for tool in session.tools]
        calls: list[ToolCall] = []
        thoughts: list[str | None] = []
        rounds = 0
        while True:
            may_call = bool(tools) and rounds < self.max_tool_rounds
            if tools and not may_call:
                messages[-1] = _with_note(messages[-1], self.prompts.fill("agent_last_round"))
            reply = await self.chat.complete(messages, tools=tools if may_call else None)
            spoken, thought = split_reasoning(reply.text)
            thoughts += [reply.reasoning, thought]
            if not (may_call and reply.tool_requests):
                break
            rounds += 1
            taken = {call.id for turn in conversation.turns for call in turn.tool_calls} | {call.id for call in calls}
            made = [self._run(request, session, taken) for request in reply.tool_requests[:_AT_ONCE]]
            calls += made
            messages += _round(spoken, made)
        if not spoken:
            messages[-1] = _with_note(messages[-1], self.prompts.fill("agent_again"))
            reply = await self.chat.complete(messages)
            spoken, thought = split_reasoning(reply.text)
            thoughts += [reply.reasoning, thought]
        if not spoken:
            why = " (cut off at the token limit)" if reply.finish_reason == "length" else ""
            raise RoleError(f"the agent {self.name!r} gave an empty answer, asked twice{why}")
        return AgentTurn(spoken, tuple(calls), join_reasoning(*thoughts))

    def messages(self, conversation: Conversation, session: Session) -> list[Message]:
        """Return the request for an answer: instructions, and all utterances and tool calls so far."""
        system = self.prompts.fill("agent_system", policy=session.policy)
        if session.tools:
            system = f"{system}\n\n{self.prompts.fill('agent_tools')}"
        messages: list[Message] = [{"role": "system", "content": system}]
        for turn in conversation.turns:
            messages.append({"role": "user", "content": turn.user})
            for call in turn.tool_calls:
                messages += _round("", [call])
            if turn.agent is not None:
                messages.append({"role": "assistant", "content": turn.agent})
        return messages

    def _run(self, request: ToolRequest, session: Session, taken: set[str]) -> ToolCall:
        """Run a tool and return the call with its result; ``taken`` holds the ids of calls, and gets this one's."""
        call_id = _fresh(request.id, taken)
        taken.add(call_id)
        if request.arguments is None:
            message = f"Error: the arguments of {request.name} were not a JSON object. Call it again with one."
            return ToolCall(
                id=call_id, name=request.name, arguments={UNREADABLE: request.raw[:_SHOWN]}, result=message, ok=False
            )
        try:
            result = session.call(request.name, request.arguments)
        except Exception as error:
            raise RoleError(f"the tool {request.name!r} crashed: {type(error).__name__}: {error}") from error
        return ToolCall(id=call_id, name=request.name, arguments=request.arguments, result=result.text, ok=result.ok)


def _fresh(wanted: str, taken: set[str]) -> str:
    """Return a unique id for a call: some servers send empty or repeated ones, and results must match their calls."""
    if wanted and wanted not in taken:
        return wanted
    number = 1
    while f"{wanted or 'call'}-{number}" in taken:
        number += 1
    return f"{wanted or 'call'}-{number}"


def _round(text: str, calls: Sequence[ToolCall]) -> list[Message]:
    """Return tool calls made together, and their results, as messages."""
    request: dict[str, Any] = {
        "role": "assistant",
        "content": text or None,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for call in calls
        ],
    }
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.result} for call in calls]
    return cast("list[Message]", [request, *results])


def _with_note(message: Message, note: str) -> Message:
    """Return a message with a note of ours below its text."""
    return cast("Message", {**message, "content": f"{message.get('content') or ''}\n\n{note}"})
