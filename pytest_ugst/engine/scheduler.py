"""The engine: one event loop in a background thread that plays all episodes of the session, bounded.

Tests only wait for their own episode. Under pytest-xdist every worker has an engine and is given all episodes; each
takes what nobody else has taken yet, so that an episode is played once and a killed worker's share is taken over.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import RoleError, UgstError
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from pytest_ugst.llm.usage_meter import begin_episode
from pytest_ugst.runs.run import Run
from pytest_ugst.utils.daemon_executor import DaemonThreadExecutor

T = TypeVar("T")
_KEPT = 64  # finished episodes at hand, so that a test needs not read back what was just written
_POLL = 0.05  # seconds between looks at what another process is playing
_PATIENCE = 5.0  # seconds that what is being played may take to notice that it is cancelled
_STOPPED = "the run was stopped before this episode was done"


class StoppedError(RoleError):
    """The engine was stopped before the episode was done."""


class Scheduler:
    """Plays episodes in a background thread. Made and used by one thread; stopped by :meth:`close`."""

    def __init__(
        self,
        run: Run,
        *,
        concurrency: int,
        shared: bool = False,
        stop_note: Path | None = None,
        on_finished: Callable[[Episode], None] | None = None,
        closing: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """Start the thread.

        Args:
            run: Where episodes are kept.
            concurrency: Episodes played at once.
            shared: Whether other processes play the same run's episodes.
            stop_note: A file that appears when all processes are to stop.
            on_finished: Called in the engine's thread with every episode played here.
            closing: Awaited in the engine's loop at the end.
        """
        self.run = run
        self.played = 0
        """Episodes finished by this process."""
        self.callback_errors: list[str] = []
        """What ``on_finished`` raised."""
        self._shared = shared
        self._stop_note = stop_note
        self._on_finished = on_finished
        self._closing = closing
        self._concurrency = concurrency
        self._futures: dict[str, Future[None]] = {}
        self._recent: OrderedDict[str, Episode] = OrderedDict()
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: dict[str, float] = {}  # what is being played, and how much of it is behind
        self._stop_reason: str | None = None
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(DaemonThreadExecutor())
        self._slots = asyncio.Semaphore(concurrency)
        self._thread = threading.Thread(target=self._loop.run_forever, name="ugst-engine", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the engine's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, plan: EpisodeSpec, cast: RoleSet) -> None:
        """Have an episode played, unless it is already, or is in the journal whole."""
        if plan.id in self._futures:
            return
        future: Future[None] = Future()
        self._futures[plan.id] = future
        if plan.id in self.run.journal:
            future.set_result(None)
        else:
            self._loop.call_soon_threadsafe(self._spawn, plan, cast, future)

    def known(self, episode_id: str) -> bool:
        """Whether the episode was started, or was there already."""
        return episode_id in self._futures

    def wait(self, episode_id: str, tick: Callable[[], None] | None = None, every: float = 0.5) -> Episode:
        """An episode, once it is played.

        Args:
            episode_id: One that was started.
            tick: Called now and then while waiting.
            every: Seconds between calls of ``tick``.

        Raises:
            UgstError: If it could not be played.
        """
        future = self._futures[episode_id]
        while not wait_for([future], timeout=every).done:
            if self._told_to_stop():
                raise StoppedError(_STOPPED)
            if tick is not None:
                tick()
        future.result()
        with self._lock:
            if (episode := self._recent.get(episode_id)) is not None:
                return episode
        return self.run.journal.get(episode_id)

    @property
    def counts(self) -> tuple[int, int]:
        """Episodes done (well or not), and started in all."""
        futures = list(self._futures.values())
        return sum(f.done() for f in futures), len(futures)

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1; an episode that is being played counts by its turns."""
        done, total = self.counts
        return (done + sum(self._begun.copy().values())) / total if total else 0.0

    def close(self, *, cancel: bool) -> None:
        """Stop. What is done stays done.

        Args:
            cancel: Drop what is being played; else finish it, since another process may be waiting for it. What this
                process has not begun is dropped in either case.
        """
        if self._closed:
            return
        self._closed = True
        self._stop_reason = self._stop_reason or _STOPPED
        drained = asyncio.run_coroutine_threadsafe(self._drain(cancel), self._loop)
        try:
            drained.result(timeout=2 * _PATIENCE if cancel else None)
        except TimeoutError:
            return  # somebody's async function blocks the loop; its thread ends with the process
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # Everything below runs in the engine's thread.

    def _spawn(self, plan: EpisodeSpec, cast: RoleSet, future: Future[None]) -> None:
        task = self._loop.create_task(self._deliver(plan, cast, future), name=plan.id)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(task, future))

    def _done(self, task: asyncio.Task[None], future: Future[None]) -> None:
        self._tasks.discard(task)
        if not future.done():  # cancelled, maybe before its first step
            future.set_exception(StoppedError(self._stop_reason or _STOPPED))

    async def _deliver(self, plan: EpisodeSpec, cast: RoleSet, future: Future[None]) -> None:
        try:
            async with self._slots if not self._shared else contextlib.nullcontext():
                if self._stop_reason is not None:
                    raise StoppedError(self._stop_reason)
                await (self._play_shared(plan, cast) if self._shared else self._play(plan, cast))
        except StoppedError as error:
            if not self._closed:
                self.run.failures.setdefault(plan.id, str(error))
            future.set_exception(error)
        except UgstError as error:
            if isinstance(error, ChatUnavailableError) and self._stop_reason is None:
                # A model can't be reached at all: nothing that is left would fare better.
                self._stop_reason = f"not played, since an earlier episode found: {error}"
            self.run.failures.setdefault(plan.id, str(error))
            future.set_exception(error)
        except Exception as error:  # a fault of ours or of a plugin's: the test that waits must get to see it
            self.run.failures.setdefault(plan.id, f"{type(error).__name__}: {error}")
            future.set_exception(error)
        else:
            future.set_result(None)

    async def _play(self, plan: EpisodeSpec, cast: RoleSet) -> None:
        self._begun[plan.id] = 0.0

        def told(turns: int) -> None:
            self._begun[plan.id] = turns / (plan.max_turns + 1)

        try:
            meter = begin_episode(f"{plan.setting.seed}.{plan.trial}")
            episode = await run_episode(plan, cast, told)
            episode = episode.model_copy(update={"usage": meter.by_role()})
            self.run.journal.append(episode)
        finally:
            del self._begun[plan.id]
        self.played += 1
        with self._lock:
            self._recent[plan.id] = episode
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        if self._on_finished is not None:
            try:
                self._on_finished(episode)
            except Exception as error:  # a reporting plugin's fault must not cost the episode
                self.callback_errors.append(f"{type(error).__name__}: {error}")

    async def _play_shared(self, plan: EpisodeSpec, cast: RoleSet) -> None:
        """Play it unless another process does; then wait until that one is done, or gone."""
        claim = self.run.folder / "claims" / f"{_file_name(plan.id)}.lock"
        while True:
            async with self._slots:
                with _claimed(claim) as mine:
                    if mine:
                        self.run.journal.refresh()
                        if plan.id not in self.run.journal:
                            if self._stop_reason is not None:
                                raise StoppedError(self._stop_reason)
                            await self._play(plan, cast)
                        return
            await asyncio.sleep(_POLL)
            self.run.journal.refresh()
            if plan.id in self.run.journal:
                return

    def _told_to_stop(self) -> bool:
        return self._stop_note is not None and self._stop_note.exists()

    async def _drain(self, cancel: bool) -> None:
        while not cancel and self._begun and not self._told_to_stop():  # noqa: ASYNC110 - another process tells it
            await asyncio.sleep(_POLL)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        if self._closing is not None:
            await self._closing()


def _file_name(episode_id: str) -> str:
    """A file name for an episode; file systems end at 255 bytes, names of roles need not."""
    name = quote(episode_id, safe="@+")
    return name if len(name) < 200 else f"{name[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether this process holds the claim; the system drops it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)
