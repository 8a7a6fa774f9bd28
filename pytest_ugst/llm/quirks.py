"""Deviations of a server from the API, learnt from its errors: renamed or refused parameters, refused schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

Body = dict[str, Any]

_OPTIONAL = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "logit_bias", "parallel_tool_calls"}
)
"""Sampling parameters that can be left out of a request."""
_UNSUPPORTED = re.compile(r"unsupported|not supported|does not support|unrecognized|not permitted", re.IGNORECASE)


class Quirks:
    """The form in which one model on one server takes requests, learnt from the requests that it refused.

    Only the form changes: the conversation, and what the answer has to look like, stay the same.
    """

    def __init__(self, structured: str) -> None:
        """Start without any known deviation.

        Args:
            structured: The option ``structured`` of the model; with ``text`` no schema is ever sent.
        """
        self.structured = structured
        self.renamed: dict[str, str] = {}
        """Names of parameters, each with the name that the server expects."""
        self.dropped: set[str] = set()
        """Names of parameters that the server refuses."""
        self.no_schema: set[str] = set()
        """Names of the answer forms whose schema the server refuses or ignores."""

    def apply(self, body: Body) -> Body:
        """Return the request in the form that the server takes; the same object where nothing has to change."""
        form = body.get("response_format")
        if form is not None and (self.structured == "text" or _schema_name(form) in self.no_schema):
            body = without_schema(body)
        if self.dropped or self.renamed:
            body = {self.renamed.get(k, k): v for k, v in body.items() if k not in self.dropped}
        return body

    def learn(self, wire: Mapping[str, Any], reason: str, parameter: str | None) -> str | None:
        """Learn from an error that names one of the request's parameters.

        OpenAI's reasoning models take ``max_completion_tokens`` in place of ``max_tokens``, and no temperature.

        Args:
            wire: The request that was refused, as it was sent.
            reason: The server's error message.
            parameter: The parameter that the server named as unsupported, if it named one.

        Returns:
            A description of the change, empty if it was known already; None if nothing can be changed.
        """
        if parameter not in wire or not _UNSUPPORTED.search(reason):
            parameter = next((p for p in ("max_tokens", *sorted(_OPTIONAL)) if p in wire and f"'{p}'" in reason), None)
            if parameter is None or not _UNSUPPORTED.search(reason):
                return None
        if parameter == "max_tokens" and "max_completion_tokens" in reason:
            is_new = "max_tokens" not in self.renamed
            self.renamed["max_tokens"] = "max_completion_tokens"
            return "max_tokens is sent as max_completion_tokens" if is_new else ""
        if parameter in _OPTIONAL:
            is_new = parameter not in self.dropped
            self.dropped.add(parameter)
            return f"{parameter} is left out" if is_new else ""
        return None


def _schema_name(response_format: Mapping[str, Any]) -> str:
    return str(response_format["json_schema"]["name"])


def without_schema(body: Mapping[str, Any]) -> Body:
    """Return the request with the schema in the last message instead, for a server that takes no schemas."""
    schema = body["response_format"]["json_schema"]["schema"]
    plain = {k: v for k, v in body.items() if k != "response_format"}
    plain["messages"] = with_instruction(body["messages"], schema)
    return plain


def with_instruction(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the messages with the schema of the answer added at their end.

    It goes last, so that the prefix which calls have in common stays as long as it was.
    """
    instruction = (
        "Answer with one JSON object and nothing else. It has to follow this JSON schema:\n"
        f"{json.dumps(schema, ensure_ascii=False)}"
    )
    last = messages[-1] if messages else None
    # Many chat templates require that user and assistant alternate.
    if last is not None and last.get("role") == "user" and isinstance(last.get("content"), str):
        return [*messages[:-1], {**last, "content": f"{last['content']}\n\n{instruction}"}]
    return [*messages, {"role": "user", "content": instruction}]
