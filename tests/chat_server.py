"""A chat completions server on the loopback interface that does what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Body = dict[str, Any]


@dataclass
class Say:
    """What to do with one request."""

    text: str | None = "Hello."
    message: Mapping[str, Any] = field(default_factory=dict)
    """More fields of the message, such as ``tool_calls``."""
    status: int = 200
    error: Any = None
    """The value of ``error`` in the response of a request that fails."""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency: float = 0.0
    raw: bytes | None = None
    """Send this in place of a completion."""
    reset: bool = False
    """Cut the connection without an answer."""
    finish: str = "stop"
    usage: Mapping[str, Any] | None = None
    logprobs: Any = None


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to come about, at most 20 s."""
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came about")


class ChatServer:
    """Answers by ``script(body, number)``, in a thread of its own. Use it in a ``with`` block."""

    def __init__(self, script: Callable[[Body, int], Say | str] | None = None, models: list[str] | None = None) -> None:
        self.script = script or (lambda body, number: Say())
        self.models = models
        self.models_status = 200
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.busy = 0
        self.busiest = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ChatServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=2**28)
        app.router.add_post("/{path:.*}/chat/completions", self._complete)
        app.router.add_post("/{path:.*}/deployments/{model}/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._list)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _list(self, request: web.Request) -> web.Response:
        if self.models is None:
            raise web.HTTPNotFound
        data = {"object": "list", "data": [{"id": name} for name in self.models]}
        return web.json_response(data, status=self.models_status)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        body = json.loads(await request.read())
        number = len(self.requests)
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            say = self.script(body, number)
            say = Say(text=say) if isinstance(say, str) else say
            if say.latency:
                await asyncio.sleep(say.latency)
        finally:
            self.busy -= 1
        if say.reset:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if say.raw is not None:
            return web.Response(body=say.raw, status=say.status, headers=say.headers)
        if say.status != 200:
            return web.json_response({"error": say.error or {"message": "no"}}, status=say.status, headers=say.headers)
        choice = {
            "index": 0,
            "finish_reason": say.finish,
            "message": {"role": "assistant", "content": say.text, **say.message},
            "logprobs": say.logprobs,
        }
        usage = say.usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return web.json_response({"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})
