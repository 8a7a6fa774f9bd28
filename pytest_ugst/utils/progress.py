"""The progress of commands that take long: one line on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_IN_LOG, _ON_TERMINAL = 10.0, 0.2  # seconds between two updates


class ProgressLine:
    """A line of progress on standard error, beside messages on standard output."""

    def __init__(self) -> None:
        """Start the clock; the first update follows after one interval."""
        self._live = sys.stderr.isatty()
        self._width = 0
        self._updated = time.monotonic()

    def notify(self, text: str) -> None:
        """Print a message to standard output."""
        self.clear()
        print(text, flush=True)

    def show(self, text: str) -> None:
        """Show the progress, if the last update is long enough ago."""
        now = time.monotonic()
        if now - self._updated < (_ON_TERMINAL if self._live else _IN_LOG):
            return
        self._updated = now
        if self._live:
            print(f"\r{text.ljust(self._width)}", end="", file=sys.stderr, flush=True)
            self._width = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line from the terminal."""
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
            self._width = 0


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many are done, as ``3/12 episodes played``, until the block ends.

    Args:
        what: The words behind the numbers.

    Yields:
        A function of the number that are done, and of all.
    """
    line = ProgressLine()
    try:
        yield lambda done, total: line.show(f"{done}/{total} {what}")
    finally:
        line.clear()
