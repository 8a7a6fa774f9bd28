"""Progress of the public functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from pytest_ugst.utils.progress import counting

OnProgress = Callable[[int, int], None]


def _harmless(on_progress: OnProgress) -> OnProgress:
    """Return a function that warns once where the caller's function fails: a run must not be lost by it."""
    failed = False

    def report(done: int, total: int) -> None:
        nonlocal failed
        if failed:
            return
        try:
            on_progress(done, total)
        except Exception as error:
            failed = True
            warnings.warn(f"on_progress failed and is not called again: {type(error).__name__}: {error}", stacklevel=2)

    return report


@contextmanager
def reporting(on_progress: OnProgress | None, what: str) -> Iterator[OnProgress]:
    """Yield what reports progress: the caller's function, or a line on standard error.

    Args:
        on_progress: The caller's, if any.
        what: What is counted, for the line.
    """
    with counting(what) if on_progress is None else nullcontext(_harmless(on_progress)) as report:
        yield report
