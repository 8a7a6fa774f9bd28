"""The client: structured answers, fallbacks, the cache, metering."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest
from pydantic import BaseModel, SecretStr

from pytest_ugst.core.chat import AnswerError, ChatError, ParsedReply
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.usage import Usage
from pytest_ugst.llm import request_errors
from pytest_ugst.llm.cache import Mode, ResponseCache
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec, Price
from pytest_ugst.llm.usage_meter import Meter, begin_episode
from tests.chat_server import Body, ChatServer, Say

T = TypeVar("T")
HELLO: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


class Verdict(BaseModel):
    status: Literal["COMPLETE", "INCOMPLETE"]


class Other(BaseModel):
    status: Literal["YES"]


GOOD = '{"status": "COMPLETE"}'


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_errors, "_BACKOFF_START", 0.005)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture
def play(server: ChatServer, tmp_path: Path) -> Callable[..., Any]:
    """Run a coroutine function with a pool on one cache."""

    def run(act: Callable[[ChatPool], Awaitable[T]], mode: Mode = "off") -> T:
        async def inside() -> T:
            pool = ChatPool(ResponseCache(tmp_path / "cache.sqlite", mode))
            try:
                return await act(pool)
            finally:
                await pool.close()

        return asyncio.run(inside())

    return run


def spec_for(server: ChatServer, **fields: Any) -> ModelSpec:
    return ModelSpec.model_validate({"name": "alias", "model": "m", "base_url": server.url, **fields})


def parsing(spec: ModelSpec, times: int = 1) -> Callable[[ChatPool], Awaitable[list[ParsedReply[Verdict]]]]:
    async def act(pool: ChatPool) -> list[ParsedReply[Verdict]]:
        chat = pool.chat(spec, "judge")
        return [await chat.parse(HELLO, Verdict) for _ in range(times)]

    return act


def test_by_schema(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: GOOD
    (parsed,) = play(parsing(spec_for(server)))
    assert parsed.value == Verdict(status="COMPLETE")
    assert server.requests[0]["response_format"]["json_schema"]["strict"] is True
    assert server.requests[0]["messages"] == HELLO


@pytest.mark.parametrize(
    "refusal",
    [
        Say(status=400, error={"message": "response_format is not supported"}),
        Say(status=422, error={"message": "extra fields"}),
        Say(status=500, error={"message": "json_schema: not implemented"}),
    ],
    ids=["400", "422", "500"],
)
def test_a_server_that_refuses_schemas(server: ChatServer, play: Any, refusal: Say) -> None:
    server.script = lambda body, number: refusal if "response_format" in body else f"Well: {GOOD}"
    parsed = play(parsing(spec_for(server), times=3))
    assert [p.value.status for p in parsed] == ["COMPLETE"] * 3
    # One refusal, and then it is known.
    assert ["response_format" in r for r in server.requests] == [True, False, False, False]
    last = server.requests[-1]["messages"]
    assert last[0] == HELLO[0]
    assert last[1]["role"] == "user"
    assert last[1]["content"].startswith("Hello\n\nAnswer with one JSON object")
    assert '"COMPLETE"' in last[1]["content"]


def test_a_refusal_of_something_else_is_not_blamed_on_the_schema(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: Say(status=400, error={"message": "bad conversation"})
    with pytest.raises(ChatError, match="bad conversation"):
        play(parsing(spec_for(server)))
    assert len(server.requests) == 2
    server.script = lambda body, number: GOOD
    play(parsing(spec_for(server)))
    assert "response_format" in server.requests[-1]


def test_a_server_that_must_take_schemas(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: Say(status=400, error={"message": "response_format: no"})
    with pytest.raises(ChatError, match="response_format: no"):
        play(parsing(spec_for(server, structured="json_schema")))
    assert len(server.requests) == 1


def test_a_server_that_ignores_schemas_is_told_in_words(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: GOOD if "JSON schema" in str(body["messages"]) else "It is complete."
    parsed = play(parsing(spec_for(server), times=2))
    assert [p.value.status for p in parsed] == ["COMPLETE"] * 2
    assert len(server.requests) == 3
    assert "response_format" not in server.requests[2]


def test_told_in_words_from_the_start(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: f"<think>{{}}</think>```json\n{GOOD}\n```"
    (parsed,) = play(parsing(spec_for(server, structured="text")))
    assert parsed.value.status == "COMPLETE"
    assert parsed.reply.reasoning == "{}"
    assert "response_format" not in server.requests[0]


def test_asked_again_once_with_the_error(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: '{"status": "NEARLY"}' if number == 0 else GOOD
    (parsed,) = play(parsing(spec_for(server, structured="json_schema")))
    assert parsed.value.status == "COMPLETE"
    assert parsed.reply.usage.calls == 2
    again = server.requests[1]["messages"]
    assert again[:2] == HELLO
    assert again[2] == {"role": "assistant", "content": '{"status": "NEARLY"}'}
    assert "status: Input should be 'COMPLETE' or 'INCOMPLETE'" in again[3]["content"]


def test_asked_twice_in_vain(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: "Who knows?"
    with pytest.raises(AnswerError, match=r"'alias' did not answer in the form of Verdict, asked twice: .*no JSON"):
        play(parsing(spec_for(server)), "on")
    assert len(server.requests) == 2
    # A failure is not kept: the next run asks again.
    server.script = lambda body, number: GOOD
    play(parsing(spec_for(server)), "on")
    assert len(server.requests) == 3


def test_an_answer_cut_off_is_none(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: Say(text=GOOD[:-1], finish="length")
    with pytest.raises(AnswerError, match="cut off at the token limit"):
        play(parsing(spec_for(server)))


def test_cached_answers_need_no_server_and_cost_nothing(server: ChatServer, play: Any) -> None:
    """Answers that needed a fallback and a second request are cached too."""

    def script(body: Body, number: int) -> Say:
        if "response_format" in body:
            return Say(status=400)
        return Say(text="Hm." if number == 1 else GOOD)

    server.script = script
    spec = spec_for(server, price=Price(prompt=1.0, completion=1.0))
    (first,) = play(parsing(spec), "on")
    asked = len(server.requests)
    (second,) = play(parsing(spec), "on")
    assert len(server.requests) == asked
    assert second.value == first.value
    assert first.reply.usage.cost > 0
    assert (second.reply.usage.calls, second.reply.usage.cache_hits, second.reply.usage.cost) == (2, 2, 0.0)


def test_what_the_cache_tells_apart(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: f"Number {number}."
    spec = spec_for(server)

    async def act(pool: ChatPool) -> list[str]:
        async def ask(spec: ModelSpec = spec, role: str = "agent", trial: str = "1", **more: Any) -> str:
            begin_episode(trial)
            return (await pool.chat(spec, role).complete(more.pop("messages", HELLO), **more)).text

        tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
        return [
            await ask(),
            await ask(trial="2"),
            await ask(sampling={"seed": 1}),
            await ask(logprobs=2),
            await ask(tools=[tool]),
            await ask(messages=HELLO[1:]),
            await ask(spec_for(server, model="other")),
            await ask(spec_for(server, base_url=f"{server.url}/v1")),
            await ask(),
            await ask(role="simulator"),
            await ask(spec_for(server, name="other alias")),
            # Verdicts and decompositions are the same whatever the trial.
            await ask(role="judge", trial="3"),
            await ask(role="decomposer", trial="4"),
        ]

    numbers = [int(text.split()[1].rstrip(".")) for text in play(act, "on")]
    assert numbers == [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 8, 8]


def test_a_server_of_the_run_is_known_by_its_weights(server: ChatServer, play: Any) -> None:
    """The next run starts it on another port; the model's name there identifies the weights."""
    with ChatServer(lambda body, number: "Other port.") as elsewhere:
        served = {"model": "grpo-1234abcd", "api_key": SecretStr("k")}

        async def ask(spec: ModelSpec, pool: ChatPool) -> str:
            return (await pool.chat(spec, "agent").complete(HELLO)).text

        assert play(lambda pool: ask(spec_for(server, **served), pool), "on") == "Hello."
        assert server.headers[0]["Authorization"] == "Bearer k"
        assert play(lambda pool: ask(spec_for(elsewhere, **served), pool), "on") == "Hello."
        assert play(lambda pool: ask(spec_for(elsewhere, model="grpo-1234abcd"), pool), "on") == "Other port."


def test_equal_calls_at_once_are_one_request(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: Say(latency=0.05)

    async def act(pool: ChatPool) -> Usage:
        chat = pool.chat(spec_for(server), "judge")
        await asyncio.gather(*(chat.complete(HELLO) for _ in range(8)))
        return pool.totals.total()

    usage = play(act, "on")
    assert len(server.requests) == 1
    assert (usage.calls, usage.cache_hits, usage.prompt_tokens) == (8, 7, 10)


def test_failures_are_not_cached(server: ChatServer, play: Any) -> None:
    server.script = lambda body, number: Say(status=500) if number < 2 else Say()

    async def act(pool: ChatPool) -> str:
        return (await pool.chat(spec_for(server, retries=1), "agent").complete(HELLO)).text

    with pytest.raises(ChatError):
        play(act, "on")
    assert play(act, "on") == "Hello."


def test_usage_is_counted_by_episode_and_role(server: ChatServer, play: Any) -> None:
    async def act(pool: ChatPool) -> tuple[list[dict[str, Usage]], dict[str, Usage]]:
        simulator, judge = pool.chat(spec_for(server), "simulator"), pool.chat(spec_for(server), "judge")

        async def episode(calls: int) -> dict[str, Usage]:
            meter = begin_episode(str(calls))
            for _ in range(calls):
                await simulator.complete(HELLO)
            # Judging beside the conversation counts as the episode's too.
            await asyncio.gather(*(asyncio.create_task(judge.complete(HELLO)) for _ in range(2)))
            return meter.by_role()

        episodes = await asyncio.gather(*(asyncio.create_task(episode(n)) for n in (1, 3)))
        return episodes, pool.totals.by_role()

    episodes, totals = play(act)
    assert [e["simulator"].calls for e in episodes] == [1, 3]
    assert [e["judge"].calls for e in episodes] == [2, 2]
    assert totals["simulator"].calls == 4
    assert totals["judge"].completion_tokens == 4 * 5


def test_a_meter_adds_up_every_field() -> None:
    one = Usage(
        calls=1,
        cache_hits=2,
        retries=3,
        prompt_tokens=4,
        cached_tokens=5,
        completion_tokens=6,
        seconds=7.5,
        cost=8.5,
    )
    meter = Meter()
    assert meter.total() == Usage()
    meter.add("judge", one)
    meter.add("judge", one)
    meter.add("agent", one)
    assert meter.by_role() == {"agent": one, "judge": one + one}
    assert meter.total() == one + one + one


def test_overrides_of_sampling(server: ChatServer, play: Any) -> None:
    spec = spec_for(server, sampling={"temperature": 0.7, "max_tokens": 9})

    async def act(pool: ChatPool) -> None:
        await pool.chat(spec, "agent").complete(HELLO, sampling={"temperature": 0.0, "max_tokens": None}, logprobs=3)

    play(act)
    request = server.requests[0]
    assert request["temperature"] == 0.0
    assert "max_tokens" not in request
    assert (request["logprobs"], request["top_logprobs"]) == (True, 3)


def test_messages_are_sent_as_they_are(server: ChatServer, play: Any) -> None:
    messages: list[Any] = [{"role": "user", "content": 'Ünïcode "quotes" \n  \u2028 \\ 🎈'}]

    async def act(pool: ChatPool) -> None:
        await pool.chat(spec_for(server), "agent").complete(messages)

    play(act)
    assert server.requests[0]["messages"] == messages


def test_no_key_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    pool = ChatPool()
    with pytest.raises(UsageError, match="set the environment variable NO_SUCH_KEY"):
        pool.chat(ModelSpec(name="a", model="m", base_url="http://h/v1", api_key_env="NO_SUCH_KEY"), "agent")
    with pytest.raises(UsageError, match="has no base_url"):
        pool.chat(ModelSpec(name="a", model="m"), "agent")
