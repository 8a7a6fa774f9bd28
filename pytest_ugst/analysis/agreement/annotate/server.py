"""The web server of ``ugst annotate``, for this machine only and for clients that have the address with its token.

It listens on the loopback interface. Requests by another host's name (DNS rebinding), without the token, or sent by a
page of another origin are refused; the page may load nothing from anywhere else. A request can only change the
statuses of one annotator.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pytest_ugst.analysis.agreement.annotate.record import Annotations, Marks, labels_of
from pytest_ugst.analysis.agreement.annotate.store import load, save
from pytest_ugst.analysis.agreement.annotate.views import conversation, overview, progress
from pytest_ugst.core.base import MAX_NAME
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.core.status import Status

_MAX_BODY = 64 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ASSETS = {"": ("page.html", "text/html"), "app.js": ("app.js", "text/javascript"), "app.css": ("app.css", "text/css")}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Change(BaseModel):
    """A change by a key: that a turn is finished, or with more fields, that a status is set."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=MAX_NAME)
    turn: int = Field(ge=1)


class _Set(_Change):
    component: str = Field(max_length=400)
    status: Status


class AnnotationServer:
    """The server of one annotator's work on one run."""

    def __init__(self, run: str, episodes: Sequence[Episode], path: Path, annotator: str) -> None:
        """Read the annotator's work.

        Args:
            run: The run's name.
            episodes: The episodes to annotate, in their order.
            path: The annotator's file, written after every change.
            annotator: The annotator's name.

        Raises:
            UsageError: If the file can't be read, or does not fit annotator or episodes.
        """
        self._run = run
        self._episodes = {episode.id: episode for episode in episodes}
        self._path = path
        self.annotations: Annotations = load(path, annotator, episodes)
        """The annotator's work so far."""
        self._token = secrets.token_urlsafe(24)
        self._hosts: frozenset[str] = frozenset()
        self.url = ""
        """The page's address with the token; empty until the server is started."""

    async def start(self, port: int = 0) -> web.AppRunner:
        """Listen on the loopback interface.

        Args:
            port: The port; 0 takes a free one.

        Returns:
            The runner, whose ``cleanup`` stops the server.

        Raises:
            UsageError: If the port is taken.
        """
        app = web.Application(middlewares=[self._guard], client_max_size=_MAX_BODY)
        app.router.add_get("/{token}/{name:|app[.]js|app[.]css}", self._asset)
        app.router.add_get("/{token}/api/run", self._overview)
        app.router.add_get("/{token}/api/conversation", self._conversation)
        app.router.add_post("/{token}/api/set", self._set)
        app.router.add_post("/{token}/api/next", self._next)
        app.router.add_get("/{token}/labels.jsonl", self._labels)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except (OSError, OverflowError) as error:
            await runner.cleanup()
            why = error.strerror if isinstance(error, OSError) else "no port has this number"
            raise UsageError(f"--port={port}: {why}; leave it out to take a free one") from None
        bound = runner.addresses[0][1]
        self._hosts = frozenset({f"127.0.0.1:{bound}", f"localhost:{bound}"})
        self.url = f"http://127.0.0.1:{bound}/{self._token}/"
        return runner

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        if not self._allowed(request):
            response = web.Response(status=404, text="Not found.\n")
        else:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = web.Response(status=error.status, text=f"{error.reason}\n")
            except UgstError as error:
                response = web.json_response({"error": str(error)}, status=409)
        response.headers.update(_HEADERS)
        return response

    def _allowed(self, request: web.Request) -> bool:
        token = request.match_info.get("token", "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return False
        if request.headers.get("Host", "").lower() not in self._hosts:
            return False
        origin = request.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://").lower() not in self._hosts:
            return False
        # A link from elsewhere may open the page; only the page itself may ask for anything else.
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        return site in ("same-origin", "none") or request.match_info.get("name") == ""

    # Reading.

    async def _asset(self, request: web.Request) -> web.Response:
        file, kind = _ASSETS[request.match_info["name"]]
        text = (
            resources.files("pytest_ugst.analysis.agreement.annotate")
            .joinpath("assets", file)
            .read_text(encoding="utf-8")
        )
        return web.Response(text=text, content_type=kind, charset="utf-8")

    async def _overview(self, request: web.Request) -> web.Response:
        return web.json_response(overview(self._run, self.annotations, self._episodes.values()))

    async def _conversation(self, request: web.Request) -> web.Response:
        episode = self._episode(request.query.get("id", ""))
        return web.json_response(conversation(episode, self.annotations.of(episode)))

    async def _labels(self, request: web.Request) -> web.Response:
        lines = [
            labels.model_dump_json() + "\n"
            for episode in self._episodes.values()
            if (labels := labels_of(episode, self.annotations.of(episode), self.annotations.annotator)) is not None
        ]
        name = f"{self.annotations.annotator}.labels.jsonl"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(text="".join(lines), content_type="application/jsonl", headers=headers)

    # Changes.

    async def _set(self, request: web.Request) -> web.Response:
        change = await _read(request, _Set)
        episode = self._episode(change.id)
        component = next((c for c in episode.components if c.id == change.component), None)
        if component is None:
            raise UsageError(f"{change.id} has no sub-component {change.component!r}")
        marks = self.annotations.of(episode).set(component, change.turn, change.status)
        return web.json_response(progress(self._keep(episode, marks)))

    async def _next(self, request: web.Request) -> web.Response:
        change = await _read(request, _Change)
        episode = self._episode(change.id)
        marks = self._keep(episode, self.annotations.of(episode).next(change.turn))
        return web.json_response(conversation(episode, marks))

    def _keep(self, episode: Episode, marks: Marks) -> Marks:
        """Write first, so that every change is on disk before it is confirmed."""
        annotations = self.annotations.with_marks(episode.id, marks)
        save(self._path, annotations)
        self.annotations = annotations
        return marks

    def _episode(self, name: str) -> Episode:
        if name not in self._episodes:
            raise UsageError("there is no such conversation in this run")
        return self._episodes[name]


async def _read(request: web.Request, form: type[Any]) -> Any:
    if request.content_type != "application/json" or "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType()
    try:
        return form.model_validate(json.loads(await request.read()))
    except (ValidationError, ValueError, RecursionError):
        raise web.HTTPBadRequest() from None


async def serve(server: AnnotationServer, port: int, ready: Callable[[str], None]) -> None:
    """Serve until cancelled.

    Args:
        server: The server.
        port: The port; 0 takes a free one.
        ready: Called with the page's address.
    """
    runner = await server.start(port)
    try:
        ready(server.url)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
