"""The LLM roles over a real connection: requests as a server gets them, answers as a server gives them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from aiohttp import web

from pytest_ugst.agents.endpoint import EndpointAgent
from pytest_ugst.agents.llm import LlmAgent
from pytest_ugst.core.chat import Chat, ChatUnavailableError
from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.protocols import ToolResult, ToolSpec
from pytest_ugst.core.status import Status
from pytest_ugst.judges.decomposer import decompose
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.llm import LlmSimulatorFactory
from tests.factories import make_conversation, make_goal, policy

T = TypeVar("T")


Answer = Callable[[dict[str, Any]], dict[str, Any] | int]


TALK = make_conversation(("A room, please.", "For how many?"), ("Two.", None))


PARTS = tuple(policy(f"policy-{i}", text=f"Rule {i}.") for i in range(4))


GOAL = make_goal("g", *PARTS, text="Book a room.")


def over_http(answer: Answer, use: Callable[[Chat], Awaitable[T]]) -> tuple[T, list[dict[str, Any]]]:
    bodies: list[dict[str, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        bodies.append(body)
        message = answer(body)
        if isinstance(message, int):
            return web.json_response({"error": {"message": "no such model"}}, status=message)
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        return web.json_response(
            {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        )

    async def run() -> T:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        pool = ChatPool()
        try:
            spec = ModelSpec(name="alias", model="m", base_url=f"http://{host}:{port}/v1", retries=0)
            return await use(pool.chat(spec, "test"))
        finally:
            await pool.close()
            await runner.cleanup()

    return asyncio.run(run()), bodies


def says(text: str, **more: Any) -> Answer:
    return lambda body: {"role": "assistant", "content": text, **more}


def test_simulator() -> None:
    def use(chat: Chat) -> Awaitable[Any]:
        return LlmSimulatorFactory(chat, Prompts.load(), "goal").start(GOAL, 2**40 + 5, 10).next(TALK.up_to(1), None)

    turn, (body,) = over_http(says("Thanks. Terminate.", reasoning_content="SECRET"), use)
    assert (turn.text, turn.reasoning, turn.stop) == ("Thanks.", "SECRET", StopReason.USER_ENDED)
    assert body["model"] == "m"
    assert body["seed"] == 5


class Hotel:
    policy = "Be kind."
    tools = (ToolSpec("find", "Finds.", {"type": "object", "properties": {"n": {"type": "integer"}}}),)

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}

    def call(self, name: str, arguments: Any) -> ToolResult:
        return ToolResult(f"{arguments['n']} rooms")

    def scores(self, conversation: Conversation) -> dict[str, float]:
        return {}


def test_agent_with_tools() -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][-1]["role"] == "tool":
            return {"role": "assistant", "content": f"There are {body['messages'][-1]['content']}."}
        function = {"name": "find", "arguments": '{"n": 2}'}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": function}],
        }

    turn, bodies = over_http(answer, lambda chat: LlmAgent(chat, Prompts.load()).respond(TALK, Hotel()))
    assert turn.text == "There are 2 rooms."
    assert [c.arguments for c in turn.tool_calls] == [{"n": 2}]
    assert bodies[0]["tools"][0]["function"]["parameters"]["properties"] == {"n": {"type": "integer"}}


def test_endpoint() -> None:
    turn, (body,) = over_http(says("Hello."), lambda chat: EndpointAgent(chat).respond(TALK, Hotel()))
    assert turn.text == "Hello."
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    assert "tools" not in body


def test_judge_asks_for_all_parts_with_a_schema() -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        status = "MISALIGNED" if "Rule 2." in body["messages"][1]["content"] else "ALIGNED"
        quote = {"turn": 1, "speaker": "user", "quote": "a room"}
        return {"content": json.dumps({"reasoning": "r", "evidence": [quote], "status": status})}

    verdicts, bodies = over_http(answer, lambda chat: LlmJudge(chat, Prompts.load()).judge(PARTS, TALK, 2))
    assert [v.status for v in verdicts] == [Status.ALIGNED, Status.ALIGNED, Status.MISALIGNED, Status.ALIGNED]
    assert verdicts[0].evidence[0].quote == "a room"
    schema = bodies[0]["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["reasoning", "evidence", "status"]
    assert len(bodies) == 4


def test_judge_that_keeps_failing_gives_errors_and_a_missing_model_ends_it() -> None:
    verdicts, _ = over_http(says("I can't say."), lambda chat: LlmJudge(chat, Prompts.load()).judge(PARTS[:1], TALK, 2))
    assert verdicts[0].status is None
    assert "asked twice" in (verdicts[0].error or "")
    with pytest.raises(ChatUnavailableError):
        over_http(lambda body: 404, lambda chat: LlmJudge(chat, Prompts.load()).judge(PARTS, TALK, 2))


def test_decomposer() -> None:
    parts = {"user_profile": ["Your room."], "user_policy": [], "task_objectives": [{"task_objective": "Book."}]}
    goal, (body,) = over_http(says(json.dumps(parts)), lambda chat: decompose(chat, GOAL, Prompts.load()))
    assert [c.id for c in goal.components or ()] == ["profile-1", "task-1"]
    assert set(body["response_format"]["json_schema"]["schema"]["required"]) == {
        "user_profile",
        "user_policy",
        "task_objectives",
    }
