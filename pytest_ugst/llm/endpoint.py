"""Requests to one model on one server, shared by every role that uses it: concurrency limit, retries, quirks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_ugst.core.chat import ChatError, ChatUnavailableError
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.limiter import Limiter, RequestOutcome
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.quirks import Body, Quirks, without_schema
from pytest_ugst.llm.request_errors import (
    MAX_PAUSE,
    FailureKind,
    RequestFailure,
    backoff,
    classify_lost_connection,
    classify_response,
    mentions_schema,
    printable_url,
)
from pytest_ugst.llm.transport import ConnectionLostError, RawResponse, Transport

# One encoder for all: json.dumps makes a new one for every call that does not use its defaults.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_MAX_UNCOUNTED = 12
"""Refusals of one request that don't count as tries while the limit comes down; halving 4096 slots takes 12."""
_LOG = logging.getLogger(__name__)


def serialise(body: Body) -> bytes:
    """Return a request as the bytes that are sent."""
    # A lone surrogate from a model's output must not end the run.
    return _ENCODER.encode(body).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Completion:
    """A chat completions response."""

    text: str
    """The response's JSON, as the server sent it."""
    data: dict[str, Any]
    """The same, parsed; it has at least one choice with a message."""
    retries: int
    """Number of tries beyond the first."""
    used_schema: bool
    """Whether the JSON schema was part of the request as it was sent."""


class _Attempts:
    """The state of a request: its current form, and the number of tries so far."""

    __slots__ = ("body", "counted", "payload", "raw", "retries", "uncounted", "wire")

    def __init__(self, body: Body, raw: bytes | None, quirks: Quirks) -> None:
        """Bring the request into the form that the server takes.

        Args:
            body: The request.
            raw: The same serialised, if at hand.
            quirks: What is known of the server.
        """
        self.body = body
        self.payload = body
        """The request, or the same with its schema in words."""
        self.wire = quirks.apply(body)
        """The payload in the form that the server takes."""
        self.raw = raw if raw is not None and self.wire is body else serialise(self.wire)
        self.retries = 0
        self.counted = 0
        """Failures that count towards the limit of retries."""
        self.uncounted = 0

    def change(self, payload: Body, quirks: Quirks) -> None:
        """Send this payload at the next try, in the form that the server takes by now."""
        self.payload = payload
        self.wire = quirks.apply(payload)
        self.raw = serialise(self.wire)


class Endpoint:
    """A model on its server, with the limit of concurrent requests and the quirks that all its users share."""

    def __init__(
        self,
        spec: ModelSpec,
        transport: Transport,
        key: str | None,
        exit_reason: Callable[[str], str | None] | None = None,
    ) -> None:
        """Set up without connecting to anything.

        Args:
            spec: The model; errors name it, unless the caller gives another alias.
            transport: The connection to its server.
            key: The API key, to be masked in error messages.
            exit_reason: ``exit_reason(base_url)`` returns why a server that was started for the run has ended; None
                if it has not.
        """
        self.spec = spec
        self.address = printable_url(spec.base_url or "")
        self.limiter = Limiter(spec.concurrency)
        self.quirks = Quirks(spec.structured)
        self.transport = transport
        self._key = key
        self._exit_reason = exit_reason

    async def complete(self, body: Body, raw: bytes | None = None, alias: str | None = None) -> Completion:
        """Send a chat completions request, again where another try may succeed.

        Args:
            body: The request.
            raw: The same serialised, if at hand.
            alias: The name of the model in error messages.

        Raises:
            ChatUnavailableError: If no request to this model can succeed.
            ChatError: If this request did not succeed, all retries included.
        """
        request = _Attempts(body, raw, self.quirks)
        while True:
            result = await self._attempt(request)
            if isinstance(result, Completion):
                if request.payload is not body:
                    # It was the schema that the server refused, since the request succeeded without it.
                    self.quirks.no_schema.add(body["response_format"]["json_schema"]["name"])
                return result
            failure, at_floor = result
            if self._adapt(request, failure, alias):
                continue
            await self._check_server(failure, alias)
            if not self._may_retry(request, failure, at_floor):
                raise self._error(failure, alias, request.retries)
            request.retries += 1
            await asyncio.sleep(backoff(request.retries, failure.pause))

    async def _attempt(self, request: _Attempts) -> Completion | tuple[RequestFailure, bool]:
        """Send a request once.

        Returns:
            The completion; or the failure, and whether the limit of concurrent requests was at its minimum.
        """
        ticket = await self.limiter.acquire()
        at_floor = self.limiter.limit <= 1
        outcome, pause = RequestOutcome.NEITHER, 0.0
        try:
            result: Completion | RequestFailure
            try:
                result = self._read(await self.transport.post(request.raw, request.wire), request)
            except ConnectionLostError as lost:
                result = classify_lost_connection(lost)
            if isinstance(result, Completion):
                outcome = RequestOutcome.OK
                return result
            if result.kind is FailureKind.OVERLOADED:
                outcome, pause = RequestOutcome.OVERLOADED, result.pause if result.pause <= MAX_PAUSE else 0.0
            return result, at_floor
        finally:
            self.limiter.release(ticket, outcome, pause)

    def _read(self, response: RawResponse, request: _Attempts) -> Completion | RequestFailure:
        if response.status != 200:
            return classify_response(response, self._key)
        text = response.body.decode("utf-8", "replace")
        data = parse_completion(text)
        if data is None:
            quoted = one_line(text.replace(self._key, "***") if self._key else text, 80)
            return RequestFailure(FailureKind.TRANSIENT, f"200 OK, but no chat completion: {quoted!r}")
        return Completion(text, data, request.retries, "response_format" in request.wire)

    def _adapt(self, request: _Attempts, failure: RequestFailure, alias: str | None) -> bool:
        """Change the form of a refused request if that may help; return whether it was changed."""
        if failure.kind not in (FailureKind.REJECTED, FailureKind.TRANSIENT) or failure.status is None:
            return False
        change = self.quirks.learn(request.wire, failure.reason, failure.parameter)
        if change is not None:
            if change:
                _LOG.warning("model %r: %s (%s)", alias or self.spec.name, change, failure.reason)
            request.change(request.payload, self.quirks)
            return True
        if self._may_be_schema(request.wire, failure):
            request.change(without_schema(request.body), self.quirks)
            return True
        return False

    def _may_be_schema(self, wire: Body, failure: RequestFailure) -> bool:
        if "response_format" not in wire or self.spec.structured == "json_schema":
            return False
        return failure.status in (400, 422, 501) or mentions_schema(failure)

    async def _check_server(self, failure: RequestFailure, alias: str | None) -> None:
        """Raise ChatUnavailableError if the connection failed because a server of the run has ended."""
        if not failure.unreachable or self._exit_reason is None:
            return
        reason = await asyncio.to_thread(self._exit_reason, self.spec.base_url or "")
        if reason is not None:
            raise ChatUnavailableError(f"model {alias or self.spec.name!r} at {self.address}: {reason}")

    def _may_retry(self, request: _Attempts, failure: RequestFailure, at_floor: bool) -> bool:
        """Count a failure; return whether the request may be sent again."""
        if failure.kind not in (FailureKind.TRANSIENT, FailureKind.OVERLOADED) or failure.pause > MAX_PAUSE:
            return False
        # While the limit still comes down, a refusal says that there are too many requests, not that the server fails.
        refused = failure.kind is FailureKind.OVERLOADED and failure.status is not None
        if refused and not at_floor and request.uncounted < _MAX_UNCOUNTED:
            request.uncounted += 1
        else:
            request.counted += 1
        return request.counted <= self.spec.retries

    def _error(self, failure: RequestFailure, alias: str | None, retries: int) -> ChatError:
        tries = f" (tried {retries + 1} times)" if retries else ""
        line = f"model {alias or self.spec.name!r} at {self.address}: {failure.reason}{tries}"
        if failure.kind is FailureKind.TOO_LONG:
            line += "; the conversation does not fit the model's context: raise serve.context, or lower max_turns"
        if failure.pause > MAX_PAUSE:
            line += f"; the server asks to wait {failure.pause:.0f} s, which is too long"
        if failure.kind is FailureKind.UNAVAILABLE or failure.unreachable:
            return ChatUnavailableError(line, retries)
        return ChatError(line, retries)


def parse_completion(text: str) -> dict[str, Any] | None:
    """Return a chat completions response, parsed; None for any other text."""
    try:
        data = json.loads(text)
        ok = isinstance(data["choices"][0]["message"], dict)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None
    return data if ok else None
