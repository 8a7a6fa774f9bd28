"""Requests that check, before a run, that a model answers, accepts the key and can do what is needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.api_keys import read_key
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.request_errors import (
    FailureKind,
    RequestFailure,
    classify_lost_connection,
    classify_response,
    mentions_tools,
    printable_url,
)

if TYPE_CHECKING:
    from pytest_ugst.llm.client import ChatPool
    from pytest_ugst.llm.endpoint import Endpoint
    from pytest_ugst.llm.transport import RawResponse

_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up_time",
        "description": "Say what time it is.",
        "parameters": {"type": "object", "properties": {}, "required": []},
    },
}


async def probe(spec: ModelSpec, pool: ChatPool) -> None:
    """Check that a model's server can be reached, accepts the key and knows the model.

    The server is asked for its list of models; if the model is not on it, or there is no list, for a completion of one
    token. (A server given by its bare address, which may be anyone's agent, gets no such request.)

    Args:
        spec: The model.
        pool: The pool that holds its endpoint.

    Raises:
        UsageError: If the model can't be used; the message names model, address, problem and remedy.
    """
    if spec.api_key is not None:
        return  # Its server was started for this run, and has answered.
    from pytest_ugst.llm.transport import ConnectionLostError

    endpoint = pool.endpoint(spec)
    try:
        response = await endpoint.transport.models()
    except ConnectionLostError as lost:
        raise _unusable(spec, classify_lost_connection(lost)) from None
    names = _model_names(response) if response.status == 200 else []
    if spec.model in names or _is_overloaded(spec, response) or spec.name.startswith(("http://", "https://")):
        return
    failure = await _request_one_token(endpoint, {})
    if failure is None:
        return
    if failure.kind is FailureKind.UNAVAILABLE and failure.status == 404 and names:
        raise UsageError(
            f"model {spec.name!r} at {printable_url(spec.base_url or '')}: "
            f"{unknown('model', spec.model, names[:30])}; correct model in [tool.ugst.models.{spec.name}]"
        )
    if failure.kind is FailureKind.UNAVAILABLE or failure.unreachable:
        raise _unusable(spec, failure)


def _is_overloaded(spec: ModelSpec, response: RawResponse) -> bool:
    """Return whether a server refused to list its models only because it is overloaded.

    Then it exists; concurrency limit and retries handle the rest.

    Raises:
        UsageError: If the server says that no request can succeed.
    """
    status = response.status
    if not (status in (401, 403, 407, 429) or 300 <= status < 400 or status >= 500):
        return False
    failure = classify_response(response, read_key(spec))
    if failure.kind is FailureKind.UNAVAILABLE:
        raise _unusable(spec, failure)
    return failure.kind is FailureKind.OVERLOADED


async def probe_tools(spec: ModelSpec, pool: ChatPool) -> None:
    """Check that a model takes tools. Whether it ever calls them can't be checked this way.

    Args:
        spec: The model.
        pool: The pool that holds its endpoint.

    Raises:
        UsageError: If its server refuses them; the message names the remedy.
    """
    failure = await _request_one_token(pool.endpoint(spec), {"tools": [_TOOL]})
    if failure is None or failure.kind is FailureKind.OVERLOADED:
        return
    if mentions_tools(failure):
        raise UsageError(
            f"model {spec.name!r} at {printable_url(spec.base_url or '')} does not take tools, which an agent needs "
            f"here: {failure.reason}; choose another model, or make its server parse tool calls (vLLM: serve.args = "
            '["--enable-auto-tool-choice", "--tool-call-parser=..."])'
        )
    if failure.kind is FailureKind.UNAVAILABLE or failure.unreachable:
        raise _unusable(spec, failure)


async def _request_one_token(endpoint: Endpoint, fields: dict[str, Any]) -> RequestFailure | None:
    """Request a completion of a single token; return the failure, or None on success."""
    from pytest_ugst.llm.endpoint import serialise
    from pytest_ugst.llm.transport import ConnectionLostError

    body: dict[str, Any] = {
        "model": endpoint.spec.model,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 1,
        **fields,
    }
    for _ in range(3):
        wire = endpoint.quirks.apply(body)
        try:
            response = await endpoint.transport.post(serialise(wire), wire)
        except ConnectionLostError as lost:
            return classify_lost_connection(lost)
        if response.status == 200:
            return None
        failure = classify_response(response, read_key(endpoint.spec))
        if endpoint.quirks.learn(wire, failure.reason, failure.parameter) is None:
            return failure
    return None


def _model_names(response: RawResponse) -> list[str]:
    try:
        data = json.loads(response.body)
        return [one_line(str(entry["id"]), 200) for entry in data["data"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def _unusable(spec: ModelSpec, failure: RequestFailure) -> UsageError:
    line = f"model {spec.name!r} at {printable_url(spec.base_url or '')}: {failure.reason}"
    if failure.unreachable:
        line += "; start the server, or correct base_url"
    elif failure.status in (401, 403) and spec.api_key_env is not None:
        line += f"; check the environment variable {spec.api_key_env}"
    elif failure.status in (401, 403):
        line += f"; set api_key_env in [tool.ugst.models.{spec.name}]"
    elif failure.status == 404:
        line += "; check model and base_url"
    return UsageError(line)
