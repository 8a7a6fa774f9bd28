"""Daemon threads that are used again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest

from pytest_ugst.utils.daemon_executor import DaemonThreadExecutor

SOON = 20.0  # seconds after which a test gives up; nothing depends on how fast anything is


def test_threads_are_used_again_and_carry_results_and_errors() -> None:
    pool = DaemonThreadExecutor()
    names: set[int] = set()

    def ident(fail: bool) -> int:
        if fail:
            raise KeyError("x")
        return threading.get_ident()

    for _ in range(20):
        future: Future[int] = pool.submit(ident, False)
        names.add(future.result(SOON))
        while not pool._free:
            time.sleep(0.001)
    assert len(names) == 1
    with pytest.raises(KeyError):
        pool.submit(ident, True).result(SOON)
    pool.shutdown()
