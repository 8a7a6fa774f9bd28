"""The protocol of a chat model, the records that its calls return, and the errors that they raise.

Roles talk to models by :class:`Chat`; :mod:`pytest_ugst.llm` implements it over the OpenAI chat completions API.
"""

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
    """A model gave no answer, retries included."""

    def __init__(self, message: str, retries: int = 0) -> None:
        """Make the error.

        Args:
            message: One line for a person.
            retries: The number of failed tries after the first.
        """
        super().__init__(message)
        self.retries = retries


class ChatUnavailableError(ChatError):
    """The server can't be reached, refuses the key, or does not know the model, so that a retry would not help."""


class AnswerError(ChatError):
    """The model answered twice, and neither time in the form that was asked for."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call that a model asks for."""

    id: str
    name: str
    arguments: dict[str, Any] | None
    """None where the model's arguments are not a JSON object."""
    raw: str
    """The arguments as the model wrote them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer."""

    text: str
    reasoning: str | None
    """The text of the server's own reasoning field, or of a leading ``<think>`` block."""
    tool_requests: tuple[ToolRequest, ...]
    finish_reason: str
    usage: Usage
    logprobs: Sequence[Mapping[str, Any]] | None = None
    """An entry per token of the answer, as the server gave it (``token``, ``logprob``, ``top_logprobs``)."""


@dataclass(frozen=True, slots=True)
class ParsedReply(Generic[M]):
    """A model's answer, with the validated record that was read from it."""

    value: M
    reply: Reply


class Chat(Protocol):
    """A language model that one role talks to."""

    @property
    def name(self) -> str:
        """The alias or name that the model was asked for by."""

    @property
    def role(self) -> str:
        """The role whose usage the calls count as: simulator, agent, judge or decomposer."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> Reply:
        """Return the model's answer.

        Args:
            messages: The conversation, in the form of the OpenAI API.
            tools: The tools, in the form of the OpenAI API.
            sampling: Overrides of the model's configured sampling (``temperature``, ``max_tokens``, ``seed``, ...).
            logprobs: The number of alternatives per token to ask for; None asks for no log-probabilities.

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
        """Return the model's answer as a record, by JSON schema where the server supports it, else from free text.

        Args:
            messages: The conversation, in the form of the OpenAI API.
            answer: The record's class, whose JSON schema is sent with the request.
            sampling: Overrides of the model's configured sampling.
            logprobs: The number of alternatives per token to ask for; None asks for no log-probabilities.

        Raises:
            AnswerError: If the model does not get the form right, asked twice.
            ChatError: If there is no answer after all retries.
        """
