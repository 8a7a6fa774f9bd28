"""The scheduler: one event loop in a background thread that plays all episodes of a session, bounded.

Tests only wait for their own episode. Under pytest-xdist every worker has a scheduler and is given all episodes; each
takes what nobody else has taken yet, so that an episode is played once and a killed worker's share is taken over.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import Any, TypeVar

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import RoleError, UgstError
from pytest_ugst.engine.claims import claim, claim_path
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from pytest_ugst.runs.run import StoredRun
from pytest_ugst.utils.daemon_executor import DaemonThreadExecutor

T = TypeVar("T")
_KEPT = 64  # finished episodes in memory, so that a test need not read back what was just written
_POLL = 0.05  # seconds between looks at what another process is playing
_PATIENCE = 5.0  # seconds that an episode under way may take to notice that it is cancelled
_STOPPED = "the run was stopped before this episode was done"


class StoppedError(RoleError):
    """The scheduler was stopped before the episode was done."""


class Scheduler:
    """A background thread that plays episodes. Made and used by one thread; stopped by :meth:`close`."""

    def __init__(
        self,
        run: StoredRun,
        *,
        concurrency: int,
        shared: bool = False,
        stop_file: Path | None = None,
        on_finished: Callable[[Episode], None] | None = None,
        on_close: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """Start the thread.

        Args:
            run: Where episodes are kept.
            concurrency: Episodes played at once.
            shared: Whether other processes play the same run's episodes.
            stop_file: A file that appears when all processes are to stop.
            on_finished: Called in the scheduler's thread with every episode played here.
            on_close: Awaited in the scheduler's loop at the end.
        """
        self.run = run
        self.played = 0
        """Number of episodes finished by this process."""
        self.callback_errors: list[str] = []
        """What ``on_finished`` raised, one line per error."""
        self._shared = shared
        self._stop_file = stop_file
        self._on_finished = on_finished
        self._on_close = on_close
        self._futures: dict[str, Future[None]] = {}
        self._recent: OrderedDict[str, Episode] = OrderedDict()
        self._lock = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: dict[str, float] = {}  # by episode id, the share of it that is done
        self._stop_reason: str | None = None
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(DaemonThreadExecutor())
        self._slots = asyncio.Semaphore(concurrency)
        self._thread = threading.Thread(target=self._loop.run_forever, name="ugst-engine", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the scheduler's loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, spec: EpisodeSpec, roles: RoleSet) -> None:
        """Have an episode played, unless it was started before, or is in the journal."""
        if spec.id in self._futures:
            return
        future: Future[None] = Future()
        self._futures[spec.id] = future
        if spec.id in self.run.journal:
            future.set_result(None)
        else:
            self._loop.call_soon_threadsafe(self._spawn, spec, roles, future)

    def known(self, episode_id: str) -> bool:
        """Return whether the episode was started, or was in the journal already."""
        return episode_id in self._futures

    def wait(self, episode_id: str, on_wait: Callable[[], None] | None = None, every: float = 0.5) -> Episode:
        """Wait until an episode is played, and return it.

        Args:
            episode_id: The id of an episode that was started.
            on_wait: Called now and then while waiting.
            every: Seconds between calls of ``on_wait``.

        Raises:
            UgstError: If it could not be played.
        """
        future = self._futures[episode_id]
        while not wait_for([future], timeout=every).done:
            if self._stop_requested():
                raise StoppedError(_STOPPED)
            if on_wait is not None:
                on_wait()
        future.result()
        with self._lock:
            if (episode := self._recent.get(episode_id)) is not None:
                return episode
        return self.run.journal.get(episode_id)

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of episodes that are done (well or not), and that were started in all."""
        futures = list(self._futures.values())
        return sum(f.done() for f in futures), len(futures)

    @property
    def share(self) -> float:
        """Share of the work that is done, from 0 to 1; an episode under way counts by its turns."""
        done, total = self.counts
        return (done + sum(self._under_way.copy().values())) / total if total else 0.0

    def close(self, *, cancel: bool) -> None:
        """Stop. What is done stays done.

        Args:
            cancel: Drop what is under way; else finish it, since another process may be waiting for it. What this
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

    # Everything below runs in the scheduler's thread.

    def _spawn(self, spec: EpisodeSpec, roles: RoleSet, future: Future[None]) -> None:
        task = self._loop.create_task(self._deliver(spec, roles, future), name=spec.id)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(task, future))

    def _done(self, task: asyncio.Task[None], future: Future[None]) -> None:
        self._tasks.discard(task)
        if not future.done():  # cancelled, maybe before its first step
            future.set_exception(StoppedError(self._stop_reason or _STOPPED))

    async def _deliver(self, spec: EpisodeSpec, roles: RoleSet, future: Future[None]) -> None:
        try:
            async with self._slots if not self._shared else contextlib.nullcontext():
                if self._stop_reason is not None:
                    raise StoppedError(self._stop_reason)
                await (self._play_shared(spec, roles) if self._shared else self._play(spec, roles))
        except StoppedError as error:
            if not self._closed:
                self.run.failures.setdefault(spec.id, str(error))
            future.set_exception(error)
        except UgstError as error:
            if isinstance(error, ChatUnavailableError) and self._stop_reason is None:
                # A model can't be reached at all: nothing that is left would fare better.
                self._stop_reason = f"not played, since an earlier episode found: {error}"
            self.run.failures.setdefault(spec.id, str(error))
            future.set_exception(error)
        except Exception as error:  # a fault of ours or of a plugin's: the test that waits must get to see it
            self.run.failures.setdefault(spec.id, f"{type(error).__name__}: {error}")
            future.set_exception(error)
        else:
            future.set_result(None)

    async def _play(self, spec: EpisodeSpec, roles: RoleSet) -> None:
        self._under_way[spec.id] = 0.0

        def on_turn(turns: int) -> None:
            self._under_way[spec.id] = turns / (spec.max_turns + 1)

        try:
            episode = await run_episode(spec, roles, on_turn)
            self.run.journal.append(episode)
        finally:
            del self._under_way[spec.id]
        self.played += 1
        with self._lock:
            self._recent[spec.id] = episode
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        if self._on_finished is not None:
            try:
                self._on_finished(episode)
            except Exception as error:  # a reporting plugin's fault must not cost the episode
                self.callback_errors.append(f"{type(error).__name__}: {error}")

    async def _play_shared(self, spec: EpisodeSpec, roles: RoleSet) -> None:
        """Play an episode unless another process does; then wait until that one is done, or gone."""
        path = claim_path(self.run.folder, spec.id)
        while True:
            async with self._slots:
                with claim(path) as mine:
                    if mine:
                        self.run.journal.refresh()
                        if spec.id not in self.run.journal:
                            if self._stop_reason is not None:
                                raise StoppedError(self._stop_reason)
                            await self._play(spec, roles)
                        return
            await asyncio.sleep(_POLL)
            self.run.journal.refresh()
            if spec.id in self.run.journal:
                return

    def _stop_requested(self) -> bool:
        return self._stop_file is not None and self._stop_file.exists()

    async def _drain(self, cancel: bool) -> None:
        while not cancel and self._under_way and not self._stop_requested():  # noqa: ASYNC110 - another process asks
            await asyncio.sleep(_POLL)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)
        if self._on_close is not None:
            await self._on_close()
