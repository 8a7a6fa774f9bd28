"""The progress of a session, and the protocol of what shows it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pytest_ugst.core.usage import Usage


class Progress(NamedTuple):
    """The progress of a session."""

    done: int
    """Number of episodes that are done, well or not."""
    total: int
    share: float
    """Share of the work that is done, from 0 to 1."""
    seconds: float
    """Seconds since playing began."""
    usage: Usage
    """Usage of all models so far."""


class SessionObserver(Protocol):
    """Shows what a session does, while it does it."""

    def notify(self, line: str) -> None:
        """Show a line about what takes long."""

    def on_wait(self, progress: Progress) -> None:
        """Show progress; called now and then while a test waits."""

    def on_waited(self) -> None:
        """Take the progress away; called when a test has done waiting."""
