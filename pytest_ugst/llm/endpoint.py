"""One model on one server, shared by every role that talks to it: its limit, its retries, its ways."""

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
    about_schema,
    backoff,
    from_answer,
    from_lost,
    shown,
)
from pytest_ugst.llm.transport import ConnectionLostError, Transport

# One encoder for all: json.dumps makes a new one for every call that does not use its defaults.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_MAX_UNCOUNTED = 12
"""Refusals of one request that don't count as tries while the limit comes down; halving 4096 slots takes 12."""
_LOG = logging.getLogger(__name__)


def serialise(body: Body) -> bytes:
    """A request as it travels."""
    # A lone surrogate from a model's output must not bring the run down.
    return _ENCODER.encode(body).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion, as the server sent it."""

    text: str
    """The response's JSON."""
    data: dict[str, Any]
    """The same, parsed; it has at least one choice with a message."""
    retries: int
    used_schema: bool
    """Whether the server was handed the JSON schema."""


class Endpoint:
    """Asks one model, again where that helps."""

    def __init__(
        self,
        spec: ModelSpec,
        transport: Transport,
        key: str | None,
        died: Callable[[str], str | None] | None = None,
    ) -> None:
        """Take over a transport.

        Args:
            spec: The model; its name is what errors mention unless the caller has a better one.
            transport: The way to its server.
            key: The API key, so that error messages can be kept free of it.
            died: ``died(base_url)`` says why a server that was started for the run is gone; None if it is not.
        """
        self.spec = spec
        self.address = shown(spec.base_url or "")
        self.limiter = Limiter(spec.concurrency)
        self.ways = Quirks(spec.structured)
        self.transport = transport
        self._key = key
        self._died = died

    async def ask(self, body: Body, raw: bytes | None = None, alias: str | None = None) -> Answered:
        """Get a completion.

        Args:
            body: The request.
            raw: The same serialised, if that is at hand.
            alias: What to call the model in errors.

        Raises:
            ChatUnavailableError: If no request to this model can succeed.
            ChatError: If this request did not, all retries included.
        """
        asked = body
        wire = self.ways.apply(asked)
        if wire is not body or raw is None:
            raw = serialise(wire)
        retries = counted = uncounted = 0
        while True:
            answered = await self._once(wire, raw, retries)
            if isinstance(answered, Answered):
                if asked is not body:
                    # The refusal was about the schema, since without it all is well.
                    self.ways.no_schema.add(body["response_format"]["json_schema"]["name"])
                return answered
            failure, narrow = answered
            if failure.kind in (FailureKind.REJECTED, FailureKind.TRANSIENT) and failure.status is not None:
                learnt = self.ways.learn(wire, failure.reason, failure.parameter)
                if learnt is not None:
                    if learnt:
                        _LOG.warning("model %r: %s (%s)", alias or self.spec.name, learnt, failure.reason)
                    wire = self.ways.apply(asked)
                    raw = serialise(wire)
                    continue
                if self._may_be_schema(wire, failure):
                    asked = without_schema(body)
                    wire = self.ways.apply(asked)
                    raw = serialise(wire)
                    continue
            if failure.unreachable and self._died is not None:
                why = await asyncio.to_thread(self._died, self.spec.base_url or "")
                if why is not None:
                    raise ChatUnavailableError(f"model {alias or self.spec.name!r} at {self.address}: {why}")
            if failure.kind not in (FailureKind.TRANSIENT, FailureKind.OVERLOADED) or failure.pause > MAX_PAUSE:
                raise self._error(failure, alias, retries)
            # While the limit is still on its way down, refusals tell of the crowd rather than of the server.
            refused = failure.kind is FailureKind.OVERLOADED and failure.status is not None
            if refused and not narrow and uncounted < _MAX_UNCOUNTED:
                uncounted += 1
            else:
                counted += 1
            if counted > self.spec.retries:
                raise self._error(failure, alias, retries)
            retries += 1
            await asyncio.sleep(backoff(retries, failure.pause))

    async def _once(self, wire: Body, raw: bytes, retries: int) -> Answered | tuple[RequestFailure, bool]:
        """One try. A failure comes with whether the limit had already come down to its floor."""
        ticket = await self.limiter.acquire()
        narrow = self.limiter.limit <= 1
        outcome, pause = RequestOutcome.NEITHER, 0.0
        try:
            try:
                answer = await self.transport.post(raw, wire)
            except ConnectionLostError as lost:
                failure = from_lost(lost)
            else:
                if answer.status == 200:
                    text = answer.body.decode("utf-8", "replace")
                    data = completion(text)
                    if data is not None:
                        outcome = RequestOutcome.OK
                        return Answered(text, data, retries, "response_format" in wire)
                    said = one_line(text.replace(self._key, "***") if self._key else text, 80)
                    failure = RequestFailure(FailureKind.TRANSIENT, f"200 OK, but no chat completion: {said!r}")
                else:
                    failure = from_answer(answer, self._key)
            if failure.kind is FailureKind.OVERLOADED:
                outcome, pause = RequestOutcome.OVERLOADED, failure.pause if failure.pause <= MAX_PAUSE else 0.0
            return failure, narrow
        finally:
            self.limiter.release(ticket, outcome, pause)

    def _may_be_schema(self, wire: Body, failure: RequestFailure) -> bool:
        if "response_format" not in wire or self.spec.structured == "json_schema":
            return False
        return failure.status in (400, 422, 501) or about_schema(failure)

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


def completion(text: str) -> dict[str, Any] | None:
    """A chat completions response, parsed; None for anything else."""
    try:
        data = json.loads(text)
        ok = isinstance(data["choices"][0]["message"], dict)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None
    return data if ok else None
