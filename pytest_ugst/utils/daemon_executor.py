"""An executor for functions that block: agents, simulators and judges that are plain functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreadExecutor(ThreadPoolExecutor):
    """An executor that has a free thread for every call, and whose threads don't keep the process alive.

    The standard executor has six threads on a machine with two cores, so that functions which block would wait for each
    other, and the interpreter joins them at its end, so that one hanging agent would hang pytest after Ctrl-C.
    (A subclass, because an event loop takes no other executor as its default.)
    """

    def __init__(self) -> None:
        """Make an executor without threads; each starts when a call needs it, and is then used again."""
        super().__init__(max_workers=1, thread_name_prefix="ugst-call")
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._free = 0
        self._running = 0
        self._guard = threading.Lock()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a thread, and return its future."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._guard:
            if self._free:
                self._free -= 1
            else:
                self._running += 1
                threading.Thread(target=self._work, name="ugst-call", daemon=True).start()
        self._jobs.put(job)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads that are free, without waiting for calls that still run.

        Args:
            wait: Ignored.
            cancel_futures: Ignored.
        """
        with self._guard:
            for _ in range(self._running):
                self._jobs.put(None)
            self._running = self._free = 0
        super().shutdown(wait=False)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # its arguments must not live as long as the thread
            with self._guard:
                self._free += 1
