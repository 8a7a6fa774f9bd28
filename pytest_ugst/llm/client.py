"""Clients of models: :class:`ChatPool` owns what they share, :class:`ChatClient` is one model on behalf of one role."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ugst.core.chat import AnswerError, Chat, ChatError, ParsedReply, Reply
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.usage import Usage
from pytest_ugst.llm.api_keys import read_key
from pytest_ugst.llm.cache import ResponseCache, cache_key
from pytest_ugst.llm.endpoint import Completion, Endpoint, serialise
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.quirks import Body
from pytest_ugst.llm.reply import read_reply
from pytest_ugst.llm.structured import AnswerFormatError, correction_message, parse_answer, response_format
from pytest_ugst.llm.transport import AzureTransport, HttpSessions, HttpTransport, Transport
from pytest_ugst.llm.usage_meter import Meter, meter, nonce

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pytest_ugst.core.chat import Message

M = TypeVar("M", bound="BaseModel")

TRIAL_INDEPENDENT_ROLES = frozenset({"judge", "decomposer"})
"""Roles whose answers depend on their input alone: trials of a goal share its decomposition, and equal transcripts get
equal verdicts. The other roles sample anew for each trial."""


class ChatPool:
    """The connections, response cache, concurrency limits and usage that all models of a run share.

    There is one HTTP session per run and one limit per server and model. Used from one event loop; making clients and
    reading :attr:`totals` is safe from any thread.
    """

    def __init__(
        self, cache: ResponseCache | None = None, exit_reason: Callable[[str], str | None] | None = None
    ) -> None:
        """Set up without connecting to anything.

        Args:
            cache: The response cache; closed with the pool.
            exit_reason: ``exit_reason(base_url)`` returns why a server that was started for the run has ended; None
                if it has not. Called when a connection fails, before another try.
        """
        self.totals = Meter()
        """The usage of all calls so far."""
        self.cache = cache
        self._exit_reason = exit_reason
        self._sessions = HttpSessions()
        self._endpoints: dict[tuple[str | None, ...], Endpoint] = {}

    def chat(self, spec: ModelSpec, role: str) -> ChatClient:
        """Return a client of a model on behalf of a role.

        Raises:
            UsageError: If the model has no address, or its key is missing.
        """
        return ChatClient(spec, role, self, self.endpoint(spec))

    def endpoint(self, spec: ModelSpec) -> Endpoint:
        """Return the endpoint of a model; make it at its first use."""
        identity = (spec.provider, spec.base_url, spec.model, spec.api_key_env, spec.structured)
        endpoint = self._endpoints.get(identity)
        if endpoint is None:
            key = read_key(spec)
            endpoint = Endpoint(spec, self._transport(spec, key), key, self._exit_reason)
            self._endpoints[identity] = endpoint
        else:
            # Two aliases of one model share a server, so the lower bound holds.
            endpoint.limiter.lower_ceiling(spec.concurrency)
        return endpoint

    def _transport(self, spec: ModelSpec, key: str | None) -> Transport:
        if spec.base_url is None:
            raise UsageError(
                f"model {spec.name!r} has no base_url and no server was started for it; "
                f"set base_url in [tool.ugst.models.{spec.name}]"
            )
        if spec.provider == "azure":
            return AzureTransport(spec.base_url, spec.model, spec.api_version, key, spec.timeout)
        return HttpTransport(self._sessions, spec.base_url.rstrip("/"), key, spec.timeout)

    async def close(self) -> None:
        """Close connections and the cache."""
        for endpoint in self._endpoints.values():
            await endpoint.transport.close()
        await self._sessions.close()
        if self.cache is not None:
            self.cache.close()


class ChatClient(Chat):
    """A client of one model on behalf of one role. See :class:`pytest_ugst.core.chat.Chat`."""

    def __init__(self, spec: ModelSpec, role: str, pool: ChatPool, endpoint: Endpoint) -> None:
        """Set up without connecting to anything; use :meth:`ChatPool.chat` to make one.

        Args:
            spec: The model.
            role: The role that its usage is counted for.
            pool: The pool it belongs to.
            endpoint: The model's endpoint.
        """
        self.spec = spec
        self._role = role
        self._pool = pool
        self._endpoint = endpoint
        self._cache = pool.cache if pool.cache is not None and pool.cache.enabled else None
        # A server started for the run has another address each time, and a model name that contains a digest of its
        # weights and of how they are served. Of other servers only name and address are known.
        is_served_here = spec.api_key is not None
        self._identity = "served" if is_served_here else f"{spec.provider} {spec.base_url} {spec.api_version or ''}"
        self._has_nonce = role not in TRIAL_INDEPENDENT_ROLES

    @property
    def name(self) -> str:
        """The alias of the model."""
        return self.spec.name

    @property
    def role(self) -> str:
        """The role that its usage is counted for."""
        return self._role

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> Reply:
        """Return one answer. See :meth:`pytest_ugst.core.chat.Chat.complete`."""
        body = self._body(messages, sampling, logprobs)
        if tools:
            body["tools"] = list(tools)
        reply, _, _ = await self._call(body)
        return reply

    async def parse(
        self,
        messages: Sequence[Message],
        answer: type[M],
        *,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> ParsedReply[M]:
        """Return one answer in the form of ``answer``. See :meth:`pytest_ugst.core.chat.Chat.parse`."""
        body = self._body(messages, sampling, logprobs)
        body["response_format"] = form = response_format(answer)
        first, first_key, completion = await self._call(body)
        try:
            return ParsedReply(parse_answer(first.text, answer, cut_off=first.finish_reason == "length"), first)
        except AnswerFormatError as error:
            problem = str(error)
        schema = form["json_schema"]
        sent_schema = completion is not None and completion.used_schema
        if sent_schema and first.finish_reason == "stop" and not _is_json(first.text):
            # The server ignores schemas: from now on they are put into the messages.
            self._endpoint.quirks.no_schema.add(schema["name"])
        body["messages"] = [
            *messages,
            {"role": "assistant", "content": first.text[:4000] or "(nothing)"},
            {"role": "user", "content": correction_message(problem, schema["schema"])},
        ]
        second, second_key, _ = await self._call(body)
        second = replace(second, usage=first.usage + second.usage)
        try:
            return ParsedReply(parse_answer(second.text, answer, cut_off=second.finish_reason == "length"), second)
        except AnswerFormatError as error:
            if self._cache is not None:
                # Failures are not stored: the next run may succeed.
                await self._cache.forget(first_key, second_key)
            raise AnswerError(
                f"model {self.spec.name!r} did not answer in the form of {answer.__name__}, asked twice: {error}"
            ) from None

    def _body(self, messages: Sequence[Message], sampling: Mapping[str, Any] | None, logprobs: int | None) -> Body:
        body: Body = {"model": self.spec.model, "messages": messages, **self.spec.sampling}
        if sampling:
            body.update(sampling)
            body = {k: v for k, v in body.items() if v is not None}
        if logprobs is not None:
            body["logprobs"] = True
            body["top_logprobs"] = logprobs
        return body

    async def _call(self, body: Body) -> tuple[Reply, bytes, Completion | None]:
        """Get one response, from the cache or the server, and count its usage.

        Returns:
            The reply, its cache key (empty without a cache), and the server's response (None from the cache).
        """
        started = time.perf_counter()
        completion: Completion | None = None
        key = b""
        raw = serialise(body)
        try:
            if self._cache is None:
                completion = await self._endpoint.complete(body, raw, self.spec.name)
                data = completion.data
            else:

                async def request() -> str:
                    nonlocal completion
                    completion = await self._endpoint.complete(body, raw, self.spec.name)
                    return completion.text

                structured = self.spec.structured if "response_format" in body else ""
                key = cache_key(self._identity, raw, structured, nonce.get() if self._has_nonce else "")
                text, _ = await self._cache.fetch(key, request)
                data = json.loads(text) if completion is None else completion.data
        except ChatError as error:
            self._count(Usage(retries=error.retries, seconds=time.perf_counter() - started))
            raise
        reply = read_reply(
            data,
            self.spec.price,
            cached=completion is None,
            retries=0 if completion is None else completion.retries,
            seconds=time.perf_counter() - started,
        )
        self._count(reply.usage)
        return reply, key, completion

    def _count(self, usage: Usage) -> None:
        self._pool.totals.add(self._role, usage)
        episode = meter.get()
        if episode is not None:
            episode.add(self._role, usage)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
