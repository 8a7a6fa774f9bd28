"""Progress of the public functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pytest_ugst.utils.progress import ProgressLine

OnProgress = Callable[[int, int], None]


@contextmanager
def reporting(on_progress: OnProgress | None, what: str) -> Iterator[OnProgress]:
    """Yield what reports progress: the caller's function, or a line on standard error.

    Args:
        on_progress: The caller's, if any.
        what: What is counted, for the line.
    """
    if on_progress is not None:
        yield on_progress
        return
    line = ProgressLine()
    try:
        yield lambda done, total: line.show(f"{done}/{total} {what}")
    finally:
        line.clear()
