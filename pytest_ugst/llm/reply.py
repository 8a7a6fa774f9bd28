"""Conversion of a chat completions response to a :class:`Reply`: text, reasoning, tool calls, usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_ugst.core.base import writable
from pytest_ugst.core.chat import Reply, ToolRequest
from pytest_ugst.core.reasoning import join_reasoning, split_reasoning
from pytest_ugst.core.usage import LARGEST, Usage
from pytest_ugst.llm.model_spec import Price


def read_reply(data: Mapping[str, Any], price: Price, *, cached: bool, retries: int, seconds: float) -> Reply:
    """Convert a response.

    Args:
        data: The response's JSON object; it has a choice with a message.
        price: The model's prices.
        cached: Whether it came from the response cache; then it used no tokens.
        retries: Number of tries beyond the first.
        seconds: Duration of the request.
    """
    choice = data["choices"][0]
    message = choice["message"]
    text = _text(message.get("content")) or _text(message.get("refusal"))
    separate = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    text, inline = split_reasoning(text) if "<" in text else (text, None)
    return Reply(
        text=text,
        reasoning=join_reasoning(separate, inline) if separate or inline else None,
        tool_requests=_tool_requests(message),
        finish_reason=str(choice.get("finish_reason") or ""),
        usage=_usage(data.get("usage"), price, cached=cached, retries=retries, seconds=seconds),
        logprobs=_logprobs(choice.get("logprobs")),
    )


def _text(content: object) -> str:
    """Return a message's content as text; some servers send a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(p["text"] for p in content if isinstance(p, Mapping) and isinstance(p.get("text"), str))
    return ""


def _tool_requests(message: Mapping[str, Any]) -> tuple[ToolRequest, ...]:
    calls = message.get("tool_calls")
    if not calls or not isinstance(calls, list):
        return ()
    requests = []
    for number, call in enumerate(calls):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            continue
        raw = function.get("arguments")
        # Some servers send the object itself rather than its JSON.
        arguments = _recordable(raw if isinstance(raw, dict) else _json_object(raw))
        requests.append(
            ToolRequest(
                id=str(call.get("id") or f"call_{number}"),
                name=str(function.get("name") or ""),
                arguments=arguments,
                raw=raw if isinstance(raw, str) else json.dumps(raw),
            )
        )
    return tuple(requests)


def _json_object(raw: object) -> dict[str, Any] | None:
    if raw is None or raw == "":
        # A tool without parameters.
        return {}
    try:
        value = json.loads(raw) if isinstance(raw, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _recordable(arguments: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        return None if arguments is None else dict(writable(arguments))
    except ValueError:  # nested too deeply for any tool, and for a journal to be read again
        return None


def _logprobs(logprobs: object) -> tuple[Mapping[str, Any], ...] | None:
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    return tuple(t for t in content if isinstance(t, Mapping)) if isinstance(content, list) else None


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, Mapping) else None
    return value if isinstance(value, int) and 0 < value <= LARGEST else 0


def _usage(counts: object, price: Price, *, cached: bool, retries: int, seconds: float) -> Usage:
    if cached:
        return Usage(calls=1, cache_hits=1, seconds=seconds)
    prompt, completion = _count(counts, "prompt_tokens"), _count(counts, "completion_tokens")
    details = counts.get("prompt_tokens_details") if isinstance(counts, Mapping) else None
    reused = min(_count(details, "cached_tokens"), prompt)
    rate = price.prompt if price.cached is None else price.cached
    cost = ((prompt - reused) * price.prompt + reused * rate + completion * price.completion) / 1e6
    return Usage(
        calls=1,
        retries=retries,
        prompt_tokens=prompt,
        cached_tokens=reused,
        completion_tokens=completion,
        seconds=seconds,
        cost=cost,
    )
