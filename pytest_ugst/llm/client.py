"""Models to talk to: :class:`ChatPool` owns what they share, :class:`ChatClient` is one model on behalf of one role."""

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
from pytest_ugst.llm.endpoint import Answered, Endpoint, serialise
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.quirks import Body
from pytest_ugst.llm.reply import read_reply
from pytest_ugst.llm.structured import FormError, complaint_message, parse_answer, response_format
from pytest_ugst.llm.transport import AzureTransport, HttpTransport, Sessions, Transport
from pytest_ugst.llm.usage_meter import Meter, meter, nonce

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pytest_ugst.core.chat import Message

M = TypeVar("M", bound="BaseModel")

SAME_FOR_ALL_TRIALS = frozenset({"judge", "decomposer"})
"""Roles whose answers depend on what they read alone: trials of a goal share its decomposition, and two transcripts
that are equal get equal verdicts. The others answer each trial anew."""


class ChatPool:
    """What all models of a run share: one HTTP session, the response cache, one limit per server and model, totals.

    Used from one event loop; making clients and reading :attr:`totals` is fine from any thread.
    """

    def __init__(self, cache: ResponseCache | None = None, died: Callable[[str], str | None] | None = None) -> None:
        """Set up without connecting to anything.

        Args:
            cache: The response cache; closed with the pool.
            died: ``died(base_url)`` says why a server that was started for the run is gone; None if it is not.
                Asked when a connection fails, before another try.
        """
        self.totals = Meter()
        """What all calls cost so far."""
        self.cache = cache
        self._died = died
        self._sessions = Sessions()
        self._endpoints: dict[tuple[str | None, ...], Endpoint] = {}

    def chat(self, spec: ModelSpec, role: str) -> ChatClient:
        """A model to talk to on behalf of a role.

        Raises:
            UsageError: If the model has no address, or its key is missing.
        """
        return ChatClient(spec, role, self, self.endpoint(spec))

    def endpoint(self, spec: ModelSpec) -> Endpoint:
        """The endpoint of a model, made at its first use."""
        where = (spec.provider, spec.base_url, spec.model, spec.api_key_env, spec.structured)
        endpoint = self._endpoints.get(where)
        if endpoint is None:
            key = read_key(spec)
            endpoint = Endpoint(spec, self._transport(spec, key), key, self._died)
            self._endpoints[where] = endpoint
        else:
            # Two aliases of one model: the server is the same, so the more careful bound holds.
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
    """One model on behalf of one role. See :class:`pytest_ugst.core.chat.Chat`."""

    def __init__(self, spec: ModelSpec, role: str, pool: ChatPool, endpoint: Endpoint) -> None:
        self.spec = spec
        self._role = role
        self._pool = pool
        self._endpoint = endpoint
        self._cache = pool.cache if pool.cache is not None and pool.cache.enabled else None
        # A server started for the run has another address each time, and a model name made from a digest of its
        # weights and of how they are served. Of others nothing is known but name and address.
        served = spec.api_key is not None
        self._identity = "served" if served else f"{spec.provider} {spec.base_url} {spec.api_version or ''}"
        self._has_nonce = role not in SAME_FOR_ALL_TRIALS

    @property
    def name(self) -> str:
        """The alias it was asked for by."""
        return self.spec.name

    @property
    def role(self) -> str:
        """Whose usage its calls count as."""
        return self._role

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        sampling: Mapping[str, Any] | None = None,
        logprobs: int | None = None,
    ) -> Reply:
        """One answer. See :meth:`Chat.complete`."""
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
        """One answer in the form of ``answer``. See :meth:`Chat.parse`."""
        body = self._body(messages, sampling, logprobs)
        body["response_format"] = form = response_format(answer)
        first, first_key, answered = await self._call(body)
        try:
            return ParsedReply(parse_answer(first.text, answer, cut_off=first.finish_reason == "length"), first)
        except FormError as error:
            problem = str(error)
        schema = form["json_schema"]
        if answered is not None and answered.used_schema and first.finish_reason == "stop" and not _is_json(first.text):
            # A server that ignores schemas has to be told in words.
            self._endpoint.ways.no_schema.add(schema["name"])
        body["messages"] = [
            *messages,
            {"role": "assistant", "content": first.text[:4000] or "(nothing)"},
            {"role": "user", "content": complaint_message(problem, schema["schema"])},
        ]
        second, second_key, _ = await self._call(body)
        second = replace(second, usage=first.usage + second.usage)
        try:
            return ParsedReply(parse_answer(second.text, answer, cut_off=second.finish_reason == "length"), second)
        except FormError as error:
            if self._cache is not None:
                # Failures are not kept: the next run may have more luck.
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

    async def _call(self, body: Body) -> tuple[Reply, bytes, Answered | None]:
        """One request: its reply, its cache key, and what the server sent, if it was asked."""
        started = time.perf_counter()
        answered: Answered | None = None
        key = b""
        raw = serialise(body)
        try:
            if self._cache is None:
                answered = await self._endpoint.ask(body, raw, self.spec.name)
                data = answered.data
            else:

                async def ask() -> str:
                    nonlocal answered
                    answered = await self._endpoint.ask(body, raw, self.spec.name)
                    return answered.text

                structured = self.spec.structured if "response_format" in body else ""
                key = cache_key(self._identity, raw, structured, nonce.get() if self._has_nonce else "")
                text, _ = await self._cache.fetch(key, ask)
                data = json.loads(text) if answered is None else answered.data
        except ChatError as error:
            self._count(Usage(retries=error.retries, seconds=time.perf_counter() - started))
            raise
        reply = read_reply(
            data,
            self.spec.price,
            cached=answered is None,
            retries=0 if answered is None else answered.retries,
            seconds=time.perf_counter() - started,
        )
        self._count(reply.usage)
        return reply, key, answered

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
