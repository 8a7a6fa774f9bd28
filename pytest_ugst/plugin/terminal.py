"""The plugin's output on the terminal: progress while a test waits, and a session's outcome. It decides nothing."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pytest_ugst.analysis.tables import render
from pytest_ugst.core.text import one_line, plain
from pytest_ugst.core.usage import Usage
from pytest_ugst.plugin.outcome import SessionOutcome, describe

if TYPE_CHECKING:
    import pytest

    from pytest_ugst.core.episode import Episode
    from pytest_ugst.plugin.progress import Progress

_FIRST, _ON_TERMINAL, _IN_LOG = 2.0, 0.5, 30.0  # seconds: before the first line, and between lines
_WORTH_SHOWING = 0.05  # share of the work from which on the time left can be guessed
_MAX_WIDTH = 120
_BLANK_LINE = "\r\x1b[K"


class Terminal:
    """The plugin's side of pytest's terminal reporter."""

    def __init__(self, config: pytest.Config) -> None:
        """Print nothing yet.

        Args:
            config: Of this process; without a terminal reporter nothing is ever printed.
        """
        self._config = config
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._last_shown = 0.0
        self._drawn = False
        self._failed = 0
        self._outcome: SessionOutcome | None = None
        self._page = ""

    # Progress

    def pytest_ugst_episode_finished(self, episode: Episode) -> None:
        """Count the episodes whose simulator did not stay with its goal, for the progress line."""
        self._failed += not episode.succeeded

    def notify(self, line: str) -> None:
        """Print a line at once, whatever is captured."""
        if self._reporter is not None:
            with self._uncaptured():
                self._erase()
                self._reporter.ensure_newline()
                self._reporter.write_line(f"ugst: {plain(line)}")

    def on_wait(self, progress: Progress) -> None:
        """Show progress, if it is time to."""
        if self._reporter is None:
            return
        now = time.monotonic()
        live = self._reporter.isatty and os.environ.get("TERM") != "dumb" and self._config.get_verbosity() >= 0
        if progress.seconds < _FIRST or now - self._last_shown < (_ON_TERMINAL if live else _IN_LOG):
            return
        self._last_shown = now
        text = progress_line(
            progress.done, progress.total, progress.share, progress.seconds, progress.usage, self._failed
        )
        with self._uncaptured():
            if live:
                # Below pytest's own line, which knows nothing of it and goes on when this is gone.
                text = one_line(text, self._reporter._tw.fullwidth - 1)
                self._reporter.write_raw((_BLANK_LINE if self._drawn else "\n") + text, flush=True)
                self._drawn = True
            else:
                self._reporter.ensure_newline()
                self._reporter.write_line(text)

    def on_waited(self) -> None:
        """Take the progress line away."""
        if self._drawn:
            with self._uncaptured():
                self._erase()

    def _erase(self) -> None:
        if self._drawn:
            column = min(self._reporter._tw.width_of_current_line, self._reporter._tw.fullwidth - 1)
            right = f"\x1b[{column}C" if column else ""
            self._reporter.write_raw(f"{_BLANK_LINE}\x1b[A{right}", flush=True)
            self._drawn = False

    def _uncaptured(self) -> Any:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()

    # Outcome

    def set_outcome(self, outcome: SessionOutcome, page: str = "") -> None:
        """Keep what :meth:`print_outcome` prints.

        Args:
            outcome: The session's outcome.
            page: A line about the page of ``--ugst-html``, where one was asked for.
        """
        self._outcome = outcome
        self._page = page

    def print_outcome(self) -> None:
        """Print tables, messages and decisions, where there are any."""
        reporter, outcome = self._reporter, self._outcome
        if reporter is None or outcome is None:
            return
        reporter.ensure_newline()
        if outcome.summary is not None:
            reporter.section("user goal alignment")
            width, ansi = min(reporter._tw.fullwidth, _MAX_WIDTH), reporter._tw.hasmarkup
            reporter.write(render(outcome.summary.printed(), "terminal", width=width, ansi=ansi))
            for message in filter(None, (*outcome.messages, self._page, outcome.where)):
                reporter.write_line(one_line(message))
        for text, passed in outcome.decisions:
            reporter.write_line(text, green=passed, red=not passed, bold=not passed)


def progress_line(done: int, total: int, share: float, seconds: float, usage: Usage, failed: int = 0) -> str:
    """Return how far the run is, in a line.

    Args:
        done: Number of episodes that are played.
        total: Number of episodes in all.
        share: Share of the work that is done, from 0 to 1, episodes under way included.
        seconds: Seconds since the start.
        usage: Usage of all models so far.
        failed: Number of episodes in which the simulator did not stay with its goal.
    """
    text = f"ugst: {done}/{total} episodes" + (f", {failed} not aligned" if failed else "")
    if usage.calls:
        text += f", {describe(usage)}"
    if _WORTH_SHOWING <= share < 1:
        text += f", about {_clock(seconds / share * (1 - share))} left"
    return text


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
