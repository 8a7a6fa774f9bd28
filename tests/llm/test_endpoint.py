"""Requests to real loopback servers: which are tried again, which are not, and the error messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_ugst.core.chat import ChatError, ChatUnavailableError, Reply
from pytest_ugst.core.usage import Usage
from pytest_ugst.llm import request_errors, transport
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec
from tests.chat_server import Body, ChatServer, Say, until

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_errors, "_BACKOFF_START", 0.005)
    monkeypatch.setattr(request_errors, "_BACKOFF_MAX", 0.05)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def spec_for(server: ChatServer, **fields: Any) -> ModelSpec:
    return ModelSpec.model_validate({"name": "alias", "model": "m", "base_url": server.url, **fields})


def ask(spec: ModelSpec, times: int = 1, exit_reason: Any = None) -> tuple[list[Reply], dict[str, Usage]]:
    async def play() -> tuple[list[Reply], dict[str, Usage]]:
        pool = ChatPool(exit_reason=exit_reason)
        try:
            chat = pool.chat(spec, "simulator")
            replies = await asyncio.gather(*(chat.complete(HELLO) for _ in range(times)))
            return replies, pool.totals.by_role()
        finally:
            await pool.close()

    return asyncio.run(play())


def test_an_answer(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-secret\n")
    (reply,), usage = ask(spec_for(server, api_key_env="A_KEY", sampling={"temperature": 0.5}))
    assert reply.text == "Hello."
    assert server.requests == [{"model": "m", "messages": HELLO, "temperature": 0.5}]
    assert server.headers[0]["Authorization"] == "Bearer sk-secret"
    assert usage["simulator"].calls == 1
    assert usage["simulator"].prompt_tokens == 10


@pytest.mark.parametrize(
    "trouble",
    [
        Say(status=429),
        Say(status=500),
        Say(status=503),
        Say(reset=True),
        Say(raw=b"<html>not json</html>"),
        Say(raw=b'{"choices": []}'),
        Say(raw=b'{"choices": [{"message": null}]}'),
        Say(raw=b"[" * 5000),
        Say(latency=2.0),
    ],
    ids=["429", "500", "503", "reset", "html", "no choices", "no message", "deep", "slow"],
)
def test_passing_trouble_is_tried_again(server: ChatServer, trouble: Say) -> None:
    server.script = lambda body, number: trouble if number < 2 else "Better."
    (reply,), usage = ask(spec_for(server, timeout=0.3))
    assert reply.text == "Better."
    assert reply.usage.retries == 2
    assert usage["simulator"].retries == 2


def test_retries_end(server: ChatServer) -> None:
    server.script = lambda body, number: Say(status=500, error={"message": "boom\nboom"})
    with pytest.raises(ChatError) as caught:
        ask(spec_for(server, retries=2))
    assert len(server.requests) == 3
    assert caught.value.retries == 2
    message = str(caught.value)
    assert "'alias'" in message
    assert server.url in message
    assert "500 Internal Server Error: boom boom" in message
    assert "\n" not in message
    assert not isinstance(caught.value, ChatUnavailableError)


def test_retry_after_is_honoured(server: ChatServer) -> None:
    times: list[float] = []

    def script(body: Body, number: int) -> Say:
        times.append(time.monotonic())
        return Say(status=429, headers={"Retry-After": "0.2"}) if number == 0 else Say()

    server.script = script
    ask(spec_for(server))
    assert times[1] - times[0] >= 0.2


def test_a_server_that_asks_for_too_much_patience(server: ChatServer) -> None:
    server.script = lambda body, number: Say(status=429, headers={"Retry-After": "86400"})
    with pytest.raises(ChatError, match="asks to wait 86400 s"):
        ask(spec_for(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (Say(status=401, error={"message": "Incorrect API key: sk-secret"}), "401 Unauthorized: .*is the key right"),
        (Say(status=403), "403 Forbidden"),
        (Say(status=404, error={"message": "The model `m` does not exist"}), "404 Not Found: The model"),
        (Say(status=400, error={"code": "model_not_found", "message": "what?"}), "400 Bad Request: what?"),
        (Say(status=429, error={"code": "insufficient_quota", "message": "Pay."}), "429 Too Many Requests: Pay."),
        (Say(status=308, headers={"Location": "http://elsewhere/"}), "redirects to http://elsewhere/"),
    ],
    ids=["401", "403", "404", "400", "quota", "redirect"],
)
def test_what_will_never_work_is_not_tried_again(
    server: ChatServer, say: Say, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "sk-secret")
    server.script = lambda body, number: say
    with pytest.raises(ChatUnavailableError, match=words) as caught:
        ask(spec_for(server, api_key_env="A_KEY"))
    assert len(server.requests) == 1
    assert "sk-secret" not in str(caught.value)


def test_what_is_no_completion_is_quoted_without_key_and_escapes(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "sk-secret")
    server.script = lambda body, number: Say(raw=b"You sent sk-secret \x1b[31mred")
    with pytest.raises(ChatError, match="no chat completion") as caught:
        ask(spec_for(server, api_key_env="A_KEY", retries=0))
    assert "sk-" not in str(caught.value)
    assert "[31m" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        {"code": "context_length_exceeded", "message": "too much"},
        {"message": "This model's maximum context length is 2048 tokens."},
        "the request exceeds the available context size",
    ],
)
def test_context_overflow(server: ChatServer, error: Any) -> None:
    server.script = lambda body, number: Say(status=400, error=error)
    with pytest.raises(ChatError, match=r"does not fit the model's context.*serve\.context") as caught:
        ask(spec_for(server))
    assert not isinstance(caught.value, ChatUnavailableError)
    assert len(server.requests) == 1


def test_nobody_listens(unused_port: int) -> None:
    spec = ModelSpec(name="alias", model="m", base_url=f"http://127.0.0.1:{unused_port}/v1", retries=1)
    with pytest.raises(ChatUnavailableError, match=rf"'alias' at http://127.0.0.1:{unused_port}/v1: can't connect"):
        ask(spec)


def test_a_server_of_the_run_that_died_is_not_waited_for(unused_port: int) -> None:
    spec = ModelSpec(name="alias", model="m", base_url=f"http://127.0.0.1:{unused_port}/v1")
    asked: list[str] = []

    def exit_reason(base_url: str) -> str:
        asked.append(base_url)
        return "the server ended with status 1; its log ends: out of memory"

    with pytest.raises(ChatUnavailableError, match="out of memory"):
        ask(spec, exit_reason=exit_reason)
    assert asked == [spec.base_url]


def test_a_response_without_end_is_cut_off(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_RESPONSE", 2**20)
    server.script = lambda body, number: Say(raw=b" " * (2**20 + 1))
    with pytest.raises(ChatError, match="longer than 1 MiB"):
        ask(spec_for(server))
    assert len(server.requests) == 1


def test_a_long_conversation_is_sent_whole(server: ChatServer) -> None:
    text = "ä" * 2**20

    async def play() -> None:
        pool = ChatPool()
        await pool.chat(spec_for(server), "judge").complete([{"role": "user", "content": text}])
        await pool.close()

    asyncio.run(play())
    assert server.requests[0]["messages"][0]["content"] == text


def test_a_lone_surrogate_does_no_harm(server: ChatServer) -> None:
    async def play() -> None:
        pool = ChatPool()
        await pool.chat(spec_for(server), "judge").complete([{"role": "user", "content": "a\ud800b"}])
        await pool.close()

    asyncio.run(play())
    assert server.requests[0]["messages"][0]["content"] == "a?b"


def test_a_narrow_server_serves_a_crowd_in_the_end(server: ChatServer) -> None:
    """64 at once meet a server that takes 3: the limit comes down, and nobody fails."""
    server.script = lambda body, number: Say(status=429) if server.busy > 3 else Say(latency=0.005)
    replies, usage = ask(spec_for(server, concurrency=64), times=64)
    assert len(replies) == 64
    assert usage["simulator"].retries > 0


def test_concurrency_is_bounded_over_all_roles(server: ChatServer) -> None:
    server.script = lambda body, number: Say(latency=0.01)

    async def play() -> None:
        pool = ChatPool()
        one = pool.chat(spec_for(server, concurrency=4), "simulator")
        two = pool.chat(spec_for(server, concurrency=64, name="other"), "judge")
        await asyncio.gather(*(chat.complete(HELLO) for _ in range(15) for chat in (one, two)))
        await pool.close()

    asyncio.run(play())
    assert server.busiest == 4
    assert len(server.requests) == 30


def test_cancelled_calls_give_their_slots_back(server: ChatServer) -> None:
    server.script = lambda body, number: Say(latency=5.0) if number < 2 else Say()

    async def play() -> None:
        pool = ChatPool()
        chat = pool.chat(spec_for(server, concurrency=2), "simulator")
        stuck = [asyncio.create_task(chat.complete(HELLO)) for _ in range(2)]
        await until(lambda: len(server.requests) == 2)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        assert pool.endpoint(chat.spec).limiter.in_flight == 0
        assert (await asyncio.wait_for(chat.complete(HELLO), 5)).text == "Hello."
        await pool.close()

    asyncio.run(play())


def test_parameters_a_model_refuses_are_renamed_or_left_out(server: ChatServer) -> None:
    def script(body: Body, number: int) -> Say:
        if "max_tokens" in body:
            message = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            return Say(status=400, error={"message": message, "param": "max_tokens", "code": "unsupported_parameter"})
        if "temperature" in body:
            message = "Unsupported value: 'temperature' does not support 0.2 with this model."
            return Say(status=400, error={"message": message, "param": "temperature", "code": "unsupported_value"})
        return Say()

    server.script = script
    spec = spec_for(server, sampling={"max_tokens": 7, "temperature": 0.2})
    ask(spec)
    assert server.requests[-1]["max_completion_tokens"] == 7
    assert "temperature" not in server.requests[-1]
    assert len(server.requests) == 3


def test_other_refusals_are_final(server: ChatServer) -> None:
    server.script = lambda body, number: Say(status=400, error={"message": "messages: must alternate"})
    with pytest.raises(ChatError, match="must alternate"):
        ask(spec_for(server))
    assert len(server.requests) == 1


def test_azure_goes_by_deployment_and_version(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZ", "azure-secret")
    azure = {
        "provider": "azure",
        "base_url": server.url.removesuffix("/v1"),
        "api_version": "2024-10-21",
        "api_key_env": "AZ",
        "model": "my-deployment",
    }
    server.script = lambda body, number: Say(status=429) if number == 0 else Say(text="From Azure.")
    (reply,), _ = ask(spec_for(server, **azure))
    assert reply.text == "From Azure."
    assert reply.usage.retries == 1
    assert server.paths[-1] == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    assert server.headers[-1]["api-key"] == "azure-secret"
    server.script = lambda body, number: Say(status=401, error={"message": "bad azure-secret"})
    with pytest.raises(ChatUnavailableError, match="401") as caught:
        ask(spec_for(server, **azure))
    assert "azure-secret" not in str(caught.value)
