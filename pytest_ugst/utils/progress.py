"""Progress of commands that take long: one line on terminals, now and then a line in logs."""

from __future__ import annotations

import sys
import time

_IN_LOG, _ON_TERMINAL = 10.0, 0.2  # seconds between two


class ProgressLine:
    """What is said goes to standard output, progress to standard error."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._width = 0
        self._told = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line."""
        self.clear()
        print(text, flush=True)

    def show(self, text: str) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if now - self._told < (_ON_TERMINAL if self._live else _IN_LOG):
            return
        self._told = now
        if self._live:
            print(f"\r{text.ljust(self._width)}", end="", file=sys.stderr, flush=True)
            self._width = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
            self._width = 0
