"""The response cache: equal requests are sent once, whether one after the other or at the same time.

:func:`cache_key` decides which requests are equal.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from pytest_ugst.core.chat import ChatError
from pytest_ugst.llm.cache_db import CacheDatabase, KeyState

Mode = Literal["off", "read", "on", "refresh"]

_FIRST_POLL = 0.02
_LAST_POLL = 0.5


def cache_key(identity: str, raw: bytes, structured: str, nonce: str) -> bytes:
    """Return the SHA-256 digest of everything that determines a response.

    Args:
        identity: The origin of the response: a server's address, since nothing else is known about the model behind a
            name. The same for all servers that runs start themselves: their addresses change from run to run, and the
            name of a model there contains a digest of its weights.
        raw: The serialised request: model, messages, tools, sampling, response format, log-probabilities. The order
            of its fields matters, since it reaches the model (in tools and schemas).
        structured: The option ``structured`` of the model, if the request has a response format; else empty.
        nonce: The name of the trial, where trials have to sample independently.
    """
    digest = hashlib.sha256(f"1\0{identity}\0{structured}\0{nonce}\0".encode("utf-8", "replace"))
    digest.update(raw)
    return digest.digest()


class ResponseCache:
    """Responses by key, each requested by one task of one process at a time. Failures are never stored."""

    def __init__(self, path: Path, mode: Mode = "on", *, since: float | None = None) -> None:
        """Open the file, unless the mode is ``off``.

        Args:
            path: The SQLite file.
            mode: ``on`` uses and stores responses, ``read`` uses them, ``refresh`` requests each anew once per run and
                stores the new ones, ``off`` does nothing.
            since: The start of the run (seconds since the epoch), for ``refresh``: older responses are not used. All
                processes of a run have to be given the same time.

        Raises:
            UsageError: If the file can't be used.
        """
        self.mode = mode
        oldest = (time.time() if since is None else since) if mode == "refresh" else 0.0
        self._file = None if mode == "off" else CacheDatabase(path, since=oldest, read_only=mode == "read")
        self._pending: dict[bytes, asyncio.Future[str | None]] = {}

    @property
    def enabled(self) -> bool:
        """Whether the cache is in use: whether its mode is not ``off``."""
        return self._file is not None

    async def fetch(self, key: bytes, request: Callable[[], Awaitable[str]]) -> tuple[str, bool]:
        """Return a response from the file, or else from the model.

        Args:
            key: The key of the request, by :func:`cache_key`.
            request: Gets the response from the model; called at most once.

        Returns:
            The response, and whether it was there without calling ``request``.

        Raises:
            ChatError: If the request failed, here or in another task of this process that had the same key.
        """
        if self._file is None:
            return await request(), False
        while (pending := self._pending.get(key)) is not None:
            answer = await asyncio.shield(pending)
            if answer is not None:
                return answer, True
            # The task that sent the request was cancelled; another one has to send it.
        pending = self._pending[key] = asyncio.get_running_loop().create_future()
        answer = None
        try:
            answer, cached = await self._claim_and_fetch(self._file, key, request)
        except ChatError as error:
            # All waiting tasks would only see the same failure, after as many tries each.
            pending.set_exception(error)
            pending.exception()
            raise
        else:
            return answer, cached
        finally:
            del self._pending[key]
            if not pending.done():
                pending.set_result(answer)

    async def _claim_and_fetch(
        self, file: CacheDatabase, key: bytes, request: Callable[[], Awaitable[str]]
    ) -> tuple[str, bool]:
        try:
            found = await file.claim(key)
            poll = _FIRST_POLL
            while found.state is KeyState.CLAIMED_BY_OTHER:
                await asyncio.sleep(poll)
                poll = min(_LAST_POLL, poll * 1.5)
                found = await file.claim(key)
            if found.state is KeyState.ANSWERED:
                return found.answer, True
            answer = await request()
            if found.state is KeyState.CLAIMED:
                await file.store(key, answer)
        except BaseException:
            # On cancellation too; a claim may be on its way into the file.
            file.drop(key)
            raise
        return answer, False

    async def forget(self, *keys: bytes) -> None:
        """Remove responses that turned out to be unusable."""
        if self._file is not None and self.mode != "read":
            for key in keys:
                await self._file.forget(key)

    def close(self) -> None:
        """Finish writing and close the file. Blocks for as long as that takes."""
        if self._file is not None:
            self._file.close()
