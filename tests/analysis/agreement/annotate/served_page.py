"""A run and its annotation server in a thread, for tests that ask it or look at its page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from pytest_ugst.analysis.agreement.annotate.server import AnnotationServer, serve
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.episode import Episode
from tests.analysis.lettered_episodes import episode

HOSTILE = "<img src=x onerror=alert(1)><script>document.title='owned'</script> \u202eevil\u202c \x1b[31mred"


def talk(number: int, said: Sequence[str], **fields: Any) -> Episode:
    """An episode in which the lamp is exchanged in turn 2, the profile breaks in turn 2, and the user says this."""
    statuses = {"shoes": "." * len(said), "lamp": ".C".ljust(len(said), "C"), "profile": "Am".ljust(len(said), "m")}
    one = episode(
        statuses, quotes={"profile": said[min(1, len(said) - 1)][:40]}, id=f"talk-{number}", goal=f"g{number}"
    )
    turns = tuple(
        Turn(
            user=words,
            user_reasoning="SECRET THOUGHT",
            agent=f"Answer {turn}",
            tool_calls=(ToolCall(id="1", name="find", arguments={"what": words[:30]}, result="found it"),),
        )
        for turn, words in enumerate(said, 1)
    )
    talked = Conversation(turns=turns, stop=one.conversation.stop, closing=one.conversation.closing)
    return one.model_copy(update={"conversation": talked, **fields})


@contextmanager
def served(path: Path, episodes: Sequence[Episode], annotator: str = "ann") -> Iterator[str]:
    """Serve episodes; gives the page's address."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    found: list[str] = []

    def told(url: str) -> None:
        found.append(url)
        ready.set()

    task = loop.create_task(serve(AnnotationServer("a-run", episodes, path, annotator), 0, told))

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()


def request(
    url: str, body: Any = None, headers: Mapping[str, str] | None = None, method: str | None = None
) -> tuple[int, dict[str, str], str]:
    """Ask once: status, headers, text."""

    async def go() -> tuple[int, dict[str, str], str]:
        async with aiohttp.ClientSession() as session:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            kind = {"Content-Type": "application/json"} if data is not None else {}
            verb = method or ("GET" if data is None else "POST")
            async with session.request(verb, url, data=data, headers={**kind, **(headers or {})}) as response:
                return response.status, dict(response.headers), await response.text()

    return asyncio.run(go())
