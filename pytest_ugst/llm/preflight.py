"""Asking a model whether it is there, knows us and can do what is wanted, before anything is spent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.api_keys import read_key
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.request_errors import FailureKind, RequestFailure, about_tools, from_answer, from_lost, shown

if TYPE_CHECKING:
    from pytest_ugst.llm.client import ChatPool
    from pytest_ugst.llm.endpoint import Endpoint
    from pytest_ugst.llm.transport import RawAnswer

_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up_time",
        "description": "Say what time it is.",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}


async def probe(spec: ModelSpec, pool: ChatPool) -> None:
    """Check that a model's server can be reached, takes the key and knows the model.

    Servers are asked for their list of models; where the model is not on it, or there is no list, for one token.
    (Servers behind a bare address, which may be anybody's agent, are not made to talk.)

    Args:
        spec: The model.
        pool: Where its endpoint lives.

    Raises:
        UsageError: Naming model, address, what is wrong and the remedy.
    """
    if spec.api_key is not None:
        return  # Started for this run, and waited for until it answered.
    from pytest_ugst.llm.transport import ConnectionLostError

    endpoint = pool.endpoint(spec)
    try:
        answer = await endpoint.transport.models()
    except ConnectionLostError as lost:
        raise _unusable(spec, from_lost(lost)) from None
    names: list[str] = []
    if answer.status == 200:
        names = _names(answer)
        if spec.model in names:
            return
    elif answer.status in (401, 403, 407, 429) or 300 <= answer.status < 400 or answer.status >= 500:
        failure = from_answer(answer, read_key(spec))
        if failure.kind is FailureKind.UNAVAILABLE:
            raise _unusable(spec, failure)
        if failure.kind is FailureKind.OVERLOADED:
            return  # It is there; the limit and the retries deal with the rest.
    if spec.name.startswith(("http://", "https://")):
        return
    trouble = await _one_token(endpoint, {})
    if trouble is None:
        return
    if trouble.kind is FailureKind.UNAVAILABLE and trouble.status == 404 and names:
        raise UsageError(
            f"model {spec.name!r} at {shown(spec.base_url or '')}: "
            f"{unknown('model', spec.model, names[:30])}; correct model in [tool.ugst.models.{spec.name}]"
        )
    if trouble.kind is FailureKind.UNAVAILABLE or trouble.unreachable:
        raise _unusable(spec, trouble)


async def probe_tools(spec: ModelSpec, pool: ChatPool) -> None:
    """Check that a model takes tools. One that takes them and never calls any can't be told this way.

    Args:
        spec: The model.
        pool: Where its endpoint lives.

    Raises:
        UsageError: If its server refuses them; with the remedy.
    """
    trouble = await _one_token(pool.endpoint(spec), {"tools": [_TOOL]})
    if trouble is None or trouble.kind is FailureKind.OVERLOADED:
        return
    if about_tools(trouble.reason):
        raise UsageError(
            f"model {spec.name!r} at {shown(spec.base_url or '')} does not take tools, which an agent needs here: "
            f"{trouble.reason}; choose another model, or make its server parse tool calls (vLLM: serve.args = "
            '["--enable-auto-tool-choice", "--tool-call-parser=..."])'
        )
    if trouble.kind is FailureKind.UNAVAILABLE or trouble.unreachable:
        raise _unusable(spec, trouble)


async def _one_token(endpoint: Endpoint, extra: dict[str, Any]) -> RequestFailure | None:
    """Ask for a single token; say what went wrong."""
    from pytest_ugst.llm.endpoint import serialise
    from pytest_ugst.llm.transport import ConnectionLostError

    body: dict[str, Any] = {
        "model": endpoint.spec.model,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 1,
        **extra,
    }
    for _ in range(3):
        wire = endpoint.ways.apply(body)
        try:
            answer = await endpoint.transport.post(serialise(wire), wire)
        except ConnectionLostError as lost:
            return from_lost(lost)
        if answer.status == 200:
            return None
        failure = from_answer(answer, read_key(endpoint.spec))
        if endpoint.ways.learn(wire, failure.reason, failure.parameter) is None:
            return failure
    return None


def _names(answer: RawAnswer) -> list[str]:
    try:
        data = json.loads(answer.body)
        return [one_line(str(entry["id"]), 200) for entry in data["data"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def _unusable(spec: ModelSpec, failure: RequestFailure) -> UsageError:
    line = f"model {spec.name!r} at {shown(spec.base_url or '')}: {failure.reason}"
    if failure.unreachable:
        line += "; start the server, or correct base_url"
    elif failure.status in (401, 403) and spec.api_key_env is not None:
        line += f"; check the environment variable {spec.api_key_env}"
    elif failure.status in (401, 403):
        line += f"; set api_key_env in [tool.ugst.models.{spec.name}]"
    elif failure.status == 404:
        line += "; check model and base_url"
    return UsageError(line)
