"""Checks of a server before the first request of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.preflight import probe, probe_tools
from tests.chat_server import Body, ChatServer, Say


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(models=["qwen", "llama"]) as running:
        yield running


def check(spec: ModelSpec, tools: bool = False) -> None:
    async def act() -> None:
        pool = ChatPool()
        try:
            await (probe_tools if tools else probe)(spec, pool)
        finally:
            await pool.close()

    asyncio.run(act())


def spec_for(server: ChatServer, model: str = "qwen", **fields: Any) -> ModelSpec:
    return ModelSpec.model_validate({"name": "alias", "model": model, "base_url": server.url, **fields})


def test_a_model_on_the_list_is_not_made_to_talk(server: ChatServer) -> None:
    check(spec_for(server))
    assert server.requests == []


def test_a_model_that_is_not_listed_may_still_answer(server: ChatServer) -> None:
    check(spec_for(server, "qwen-lora"))
    assert server.requests[0]["max_tokens"] == 1
    server.models = None
    check(spec_for(server, "anything"))


def test_an_unknown_model(server: ChatServer) -> None:
    server.script = lambda body, number: Say(status=404, error={"message": "The model `quen` does not exist."})
    with pytest.raises(
        UsageError, match=r"'alias' at http://127.*unknown model 'quen'; did you mean 'qwen'\?; correct"
    ):
        check(spec_for(server, "quen"))


def test_a_wrong_key(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-wrong")
    server.models_status = 401
    with pytest.raises(UsageError, match=r"401 Unauthorized.*check the environment variable A_KEY") as caught:
        check(spec_for(server, api_key_env="A_KEY"))
    assert "sk-wrong" not in str(caught.value)
    with pytest.raises(UsageError, match="set api_key_env in"):
        check(spec_for(server))


def test_nobody_there(unused_port: int) -> None:
    spec = ModelSpec(name="alias", model="m", base_url=f"http://127.0.0.1:{unused_port}/v1")
    for tools in (False, True):
        with pytest.raises(UsageError, match=r"'alias' at .*can't connect.*start the server, or correct base_url"):
            check(spec, tools)


def test_somebodys_agent_is_not_made_to_talk(server: ChatServer) -> None:
    server.models = None
    check(spec_for(server, "default", name=server.url))
    assert server.requests == []


@pytest.mark.parametrize(
    "say",
    [
        Say(status=400, error={"message": '"auto" tool choice requires --enable-auto-tool-choice'}),
        Say(status=400, error={"message": "registry.ollama.ai/library/x does not support tools"}),
        Say(status=500, error={"message": "tools param requires --jinja flag"}),
    ],
)
def test_a_model_without_tools(server: ChatServer, say: Say) -> None:
    server.script = lambda body, number: say if "tools" in body else Say()
    with pytest.raises(UsageError, match=r"does not take tools, which an agent needs here: .*choose another model"):
        check(spec_for(server), tools=True)


def test_models_with_quirks_pass(server: ChatServer) -> None:
    def script(body: Body, number: int) -> Say:
        message = "Unsupported parameter: 'max_tokens' is not supported; use 'max_completion_tokens'."
        return Say(status=400, error={"message": message}) if "max_tokens" in body else Say()

    server.script = script
    check(spec_for(server), tools=True)
    assert server.requests[-1]["max_completion_tokens"] == 1
