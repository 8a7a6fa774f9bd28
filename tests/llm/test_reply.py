"""Reading responses: text, reasoning, tool calls, usage and cost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.chat import Reply, ToolRequest
from pytest_ugst.llm.endpoint import parse_completion
from pytest_ugst.llm.model_spec import Price
from pytest_ugst.llm.reply import read_reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(message: dict[str, Any], **more: Any) -> Reply:
    data = {"choices": [{"message": message, "finish_reason": "stop", **more.pop("choice", {})}], **more}
    return read_reply(data, Price(prompt=2.0, cached=0.5, completion=10.0), cached=False, retries=1, seconds=0.5)


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "Hi"}, "Hi", None),
        ({"content": None}, "", None),
        ({}, "", None),
        ({"content": 3}, "", None),
        ({"content": "<think>Well.</think>\n\nHi"}, "Hi", "Well."),
        ({"content": "<think>Well, well"}, "", "Well, well"),
        ({"content": "Well.</think>Hi"}, "Hi", "Well."),
        ({"content": "Hi", "reasoning_content": "Well."}, "Hi", "Well."),
        ({"content": "Hi", "reasoning": "Well."}, "Hi", "Well."),
        ({"content": "<think>b</think>Hi", "reasoning": "a"}, "Hi", "a\n\nb"),
        ({"content": [{"type": "text", "text": "H"}, {"type": "x"}, 3, {"text": "i"}]}, "Hi", None),
        ({"content": None, "refusal": "I can't."}, "I can't.", None),
        ({"content": "1 < 2"}, "1 < 2", None),
    ],
)
def test_text_and_reasoning(message: dict[str, Any], text: str, reasoning: str | None) -> None:
    reply = read(message)
    assert (reply.text, reply.reasoning) == (text, reasoning)


def test_tool_calls() -> None:
    def call(number: int, arguments: Any) -> dict[str, Any]:
        return {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": arguments}}

    calls = [call(0, '{"a": 1}'), call(1, "{broken"), call(2, "[1]"), call(3, ""), call(4, {"a": 1}), {"id": "odd"}, 7]
    reply = read({"content": None, "tool_calls": calls})
    assert reply.tool_requests == (
        ToolRequest("c0", "f", {"a": 1}, '{"a": 1}'),
        ToolRequest("c1", "f", None, "{broken"),
        ToolRequest("c2", "f", None, "[1]"),
        ToolRequest("c3", "f", {}, ""),
        ToolRequest("c4", "f", {"a": 1}, '{"a": 1}'),
    )


def test_usage_and_cost() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    reply = read({"content": "Hi"}, usage=usage)
    assert reply.usage.prompt_tokens == 1000
    assert reply.usage.cached_tokens == 400
    assert reply.usage.retries == 1
    assert reply.usage.cost == pytest.approx((600 * 2.0 + 400 * 0.5 + 100 * 10.0) / 1e6)


def test_cached_tokens_cost_as_others_unless_priced() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 10}}
    data = {"choices": [{"message": {}}], "usage": usage}
    assert read_reply(data, Price(prompt=3.0), cached=False, retries=0, seconds=0.0).usage.cost == pytest.approx(
        30 / 1e6
    )
    hit = read_reply(data, Price(prompt=3.0), cached=True, retries=0, seconds=0.0).usage
    assert (hit.calls, hit.cache_hits, hit.prompt_tokens, hit.cost) == (1, 1, 0, 0.0)


def test_logprobs() -> None:
    tokens = [{"token": "Hi", "logprob": -0.1, "top_logprobs": []}]
    assert read({"content": "Hi"}, choice={"logprobs": {"content": tokens}}).logprobs == tuple(tokens)
    assert read({"content": "Hi"}, choice={"logprobs": None}).logprobs is None


@given(message=st.dictionaries(st.sampled_from(["content", "tool_calls", "reasoning", "refusal"]), JSON), usage=JSON)
def test_no_message_brings_it_down(message: dict[str, Any], usage: Any) -> None:
    read(message, usage=usage)


@pytest.mark.parametrize("text", ["", "null", "{}", "[]", '{"choices": {}}', '{"choices": [{}]}', "[" * 9999, "\x00"])
def test_what_is_no_completion(text: str) -> None:
    assert parse_completion(text) is None


def test_arguments_nested_without_end_are_no_arguments() -> None:
    def of(depth: int) -> dict[str, Any] | None:
        raw = '{"a":' * depth + "1" + "}" * depth
        (asked,) = read({"tool_calls": [{"function": {"name": "t", "arguments": raw}}]}).tool_requests
        return asked.arguments

    assert of(90) is not None
    assert of(150) is None
    assert of(100_000) is None
