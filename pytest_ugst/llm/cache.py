"""The response cache: what was asked before is not asked again, and what is being asked is asked once.

What makes two requests the same is decided in :func:`cache_key`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from pytest_ugst.core.chat import ChatError
from pytest_ugst.llm.cache_db import CacheDatabase, State

Mode = Literal["off", "read", "on", "refresh"]

_FIRST_POLL = 0.02
_LAST_POLL = 0.5


def cache_key(identity: str, raw: bytes, structured: str, nonce: str) -> bytes:
    """What determines an answer, as a SHA-256 digest.

    Args:
        identity: Who answers: a server's address, since nothing else is known of what stands behind a model's name.
            The same for all servers that runs start themselves: their addresses change from run to run, and the
            name of a model there is made from a digest of its weights.
        raw: The serialised request: model, messages, tools, sampling, response format, log-probabilities. Its fields
            count in the order they are sent in, for that order reaches the model (in tools and schemas).
        structured: How the model is asked for JSON, where it is.
        nonce: Keeps trials apart that are to sample independently.
    """
    digest = hashlib.sha256(f"1\0{identity}\0{structured}\0{nonce}\0".encode("utf-8", "replace"))
    digest.update(raw)
    return digest.digest()


class ResponseCache:
    """Answers by key, asked for once: by one task of one process at a time. Failures are never kept."""

    def __init__(self, path: Path, mode: Mode = "on", *, since: float | None = None) -> None:
        """Open the file (unless the mode is off).

        Args:
            path: The SQLite file.
            mode: ``on`` uses and keeps answers, ``read`` uses them, ``refresh`` asks anew once per run and keeps
                the new ones, ``off`` does nothing.
            since: When the run began (seconds since the epoch), for ``refresh``: older answers don't count. Worker
                processes have to be given the same time.

        Raises:
            UsageError: If the file can't be used.
        """
        self.mode = mode
        begun = (time.time() if since is None else since) if mode == "refresh" else 0.0
        self._file = None if mode == "off" else CacheDatabase(path, since=begun, read_only=mode == "read")
        self._flights: dict[bytes, asyncio.Future[str | None]] = {}

    @property
    def enabled(self) -> bool:
        """Whether there is any use in asking."""
        return self._file is not None

    async def fetch(self, key: bytes, ask: Callable[[], Awaitable[str]]) -> tuple[str, bool]:
        """Get an answer, from the file or else by asking.

        Args:
            key: See :func:`cache_key`.
            ask: Gets the answer from the model; called at most once.

        Returns:
            The answer, and whether somebody had it before.

        Raises:
            ChatError: If asking failed, here or in the task of this process that was asking already.
        """
        if self._file is None:
            return await ask(), False
        while (flight := self._flights.get(key)) is not None:
            answer = await asyncio.shield(flight)
            if answer is not None:
                return answer, True
            # Whoever was asking was cancelled; somebody else has to.
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        answer = None
        try:
            answer, had = await self._lead(self._file, key, ask)
        except ChatError as error:
            # Everybody waiting would only meet the same failure, after as many tries each.
            flight.set_exception(error)
            flight.exception()
            raise
        else:
            return answer, had
        finally:
            del self._flights[key]
            if not flight.done():
                flight.set_result(answer)

    async def _lead(self, file: CacheDatabase, key: bytes, ask: Callable[[], Awaitable[str]]) -> tuple[str, bool]:
        try:
            found = await file.claim(key)
            poll = _FIRST_POLL
            while found.state is State.THEIRS:
                await asyncio.sleep(poll)
                poll = min(_LAST_POLL, poll * 1.5)
                found = await file.claim(key)
            if found.state is State.ANSWERED:
                return found.answer, True
            answer = await ask()
            if found.state is State.OURS:
                await file.store(key, answer)
        except BaseException:
            # Cancellation included; a claim may be on its way into the file.
            file.drop(key)
            raise
        return answer, False

    async def forget(self, *keys: bytes) -> None:
        """Remove answers that turned out to be of no use."""
        if self._file is not None and self.mode != "read":
            for key in keys:
                await self._file.forget(key)

    def close(self) -> None:
        """Finish writing and close the file. Blocks for as long as that takes."""
        if self._file is not None:
            self._file.close()
