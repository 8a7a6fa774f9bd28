"""A chat whose answers are written down beforehand, and the requests it got."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ugst.core.chat import AnswerError, ParsedReply, Reply, ToolRequest
from pytest_ugst.core.usage import Usage
from pytest_ugst.llm.structured import AnswerFormatError, parse_answer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pytest_ugst.core.chat import Message

M = TypeVar("M", bound="BaseModel")
Script = str | Reply | Exception | Callable[[Sequence[Mapping[str, Any]]], "str | Reply | Exception"]


def reply(
    text: str = "", reasoning: str | None = None, requests: Sequence[ToolRequest] = (), finish: str = "stop"
) -> Reply:
    return Reply(text, reasoning, tuple(requests), finish, Usage(calls=1))


def request(name: str, arguments: dict[str, Any] | None, id: str = "", raw: str | None = None) -> ToolRequest:
    return ToolRequest(id, name, arguments, raw if raw is not None else json.dumps(arguments))


class ScriptedChat:
    """Answers one entry of the script after the other; the last one again and again."""

    def __init__(self, *script: Script, name: str = "scripted", role: str = "test") -> None:
        self.script = list(script)
        self._name, self._role = name, role
        self.requests: list[list[dict[str, Any]]] = []
        self.options: list[dict[str, Any]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def role(self) -> str:
        return self._role

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> Reply:
        return self._next(messages, tools=tools, sampling=sampling)

    async def parse(
        self,
        messages: Sequence[Message],
        answer: type[M],
        *,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> ParsedReply[M]:
        said = self._next(messages, answer=answer)
        try:
            return ParsedReply(parse_answer(said.text, answer), said)
        except AnswerFormatError as error:
            raise AnswerError(str(error)) from None

    def _next(self, messages: Sequence[Message], **options: Any) -> Reply:
        self.requests.append([dict(m) for m in messages])
        self.options.append(options)
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(said):
            said = said(self.requests[-1])
        if isinstance(said, Exception):
            raise said
        return reply(said) if isinstance(said, str) else said
