"""What was learnt of a server's ways: parameters it wants under another name or not at all, schemas it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Body = dict[str, Any]

_OPTIONAL = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "logit_bias", "parallel_tool_calls"}
)
"""Sampling that a conversation can do without."""
_UNSUPPORTED = re.compile(r"unsupported|not supported|does not support|unrecognized|not permitted", re.IGNORECASE)


class Quirks:
    """How one model on one server has to be asked. Learnt from what it refuses; never changes what is asked."""

    def __init__(self, structured: str) -> None:
        self.structured = structured
        self.renamed: dict[str, str] = {}
        self.dropped: set[str] = set()
        self.no_schema: set[str] = set()
        """Names of the answers whose schema the server refuses, or ignores."""

    def apply(self, body: Body) -> Body:
        """The request as the server wants it; the same object where nothing has to change."""
        schema = body.get("response_format")
        if schema is not None and (self.structured == "text" or _name(schema) in self.no_schema):
            body = without_schema(body)
        if self.dropped or self.renamed:
            body = {self.renamed.get(k, k): v for k, v in body.items() if k not in self.dropped}
        return body

    def learn(self, wire: Mapping[str, Any], reason: str, parameter: str | None) -> str | None:
        """Learn from a refusal that names one of the request's parameters.

        OpenAI's reasoning models take ``max_completion_tokens`` in place of ``max_tokens``, and no temperature.

        Returns:
            What is done about it, in words (empty where that was known by now); None if nothing can be.
        """
        if parameter not in wire or not _UNSUPPORTED.search(reason):
            parameter = next((p for p in ("max_tokens", *sorted(_OPTIONAL)) if p in wire and f"'{p}'" in reason), None)
            if parameter is None or not _UNSUPPORTED.search(reason):
                return None
        if parameter == "max_tokens" and "max_completion_tokens" in reason:
            news = "max_tokens" not in self.renamed
            self.renamed["max_tokens"] = "max_completion_tokens"
            return "max_tokens goes by the name of max_completion_tokens there" if news else ""
        if parameter in _OPTIONAL:
            news = parameter not in self.dropped
            self.dropped.add(parameter)
            return f"{parameter} is left out" if news else ""
        return None


def _name(response_format: Mapping[str, Any]) -> str:
    return str(response_format["json_schema"]["name"])


def without_schema(body: Mapping[str, Any]) -> Body:
    """The same request with the schema in words, for a server that takes none."""
    schema = body["response_format"]["json_schema"]["schema"]
    plain = {k: v for k, v in body.items() if k != "response_format"}
    plain["messages"] = with_instruction(body["messages"], schema)
    return plain


def with_instruction(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Messages that end with the form the answer has to take.

    It goes last, so that the prefix which calls have in common stays as long as it was.
    """
    words = (
        "Answer with one JSON object and nothing else. It has to follow this JSON schema:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )
    last = messages[-1] if messages else None
    # Many chat templates insist that the roles take turns.
    if last is not None and last.get("role") == "user" and isinstance(last.get("content"), str):
        return [*messages[:-1], {**last, "content": f"{last['content']}\n\n{words}"}]
    return [*messages, {"role": "user", "content": words}]
