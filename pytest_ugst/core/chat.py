"""What goes into a chat completions call and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pytest_ugst.core.errors import RoleError
from pytest_ugst.core.usage import Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam
    from pydantic import BaseModel

    Message = ChatCompletionMessageParam

M = TypeVar("M", bound="BaseModel")


class ChatError(RoleError):
    """A model could not be made to answer, retries included."""

    def __init__(self, message: str, retries: int = 0) -> None:
        super().__init__(message)
        self.retries = retries
        """Tries beyond the first that were made in vain."""


class ChatUnavailableError(ChatError):
    """The server can't be reached, refuses the key, or does not know the model: trying again won't help."""


class AnswerError(ChatError):
    """The model answered, but not in the form asked for, not even when asked again."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call a model asks for."""

    id: str
    name: str
    arguments: dict[str, Any] | None
    """None where the model's arguments are not a JSON object; then ``raw`` holds what it wrote."""
    raw: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer."""

    text: str
    reasoning: str | None
    """A separate reasoning field of the server's, or the content of a leading ``<think>`` block."""
    tool_requests: tuple[ToolRequest, ...]
    finish_reason: str
    usage: Usage
    logprobs: Sequence[Mapping[str, Any]] | None = None
    """One entry per token of the answer, as the server gave them (``token``, ``logprob``, ``top_logprobs``)."""


@dataclass(frozen=True, slots=True)
class ParsedReply(Generic[M]):
    """A model's answer, validated."""

    value: M
    reply: Reply


class Chat(Protocol):
    """A model to talk to, on behalf of one role."""

    @property
    def name(self) -> str:
        """The alias it was asked for by."""

    @property
    def role(self) -> str:
        """Whose usage its calls count as: simulator, agent, judge, decomposer."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> Reply:
        """One answer.

        Args:
            messages: As in the OpenAI API.
            tools: As in the OpenAI API.
            sampling: Overrides of the model's configured sampling (``temperature``, ``max_tokens``, ``seed``, ...).
            logprobs: How many alternatives per token to ask for; None asks for no log-probabilities.

        Raises:
            ChatError: If there is no answer after all retries.
        """

    async def parse(
        self,
        messages: Sequence[Message],
        answer: type[M],
        *,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> ParsedReply[M]:
        """One answer in the form of ``answer``, by JSON schema where the server supports it, else from free text.

        Raises:
            AnswerError: If the model does not get the form right, asked twice.
            ChatError: If there is no answer after all retries.
        """
