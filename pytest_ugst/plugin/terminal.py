"""What the plugin prints: progress while a test waits, and the summary at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_ugst.analysis.results import write_results
from pytest_ugst.analysis.success.gate import Gate, parse_gate
from pytest_ugst.analysis.summary import Summary, summarise
from pytest_ugst.analysis.tables import render
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.text import counted, one_line, plain
from pytest_ugst.core.usage import Usage
from pytest_ugst.plugin.ci import tell_github, tell_junit
from pytest_ugst.runs.run import RESULTS_FILE

if TYPE_CHECKING:
    import pytest

    from pytest_ugst.analysis.regression.baseline import Baseline
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.plugin.session import Runtime
    from pytest_ugst.runs.run import Run

_FIRST, _ON_TERMINAL, _IN_LOG = 2.0, 0.5, 30.0  # seconds: before the first line, and between lines
_WORTH_TELLING = 0.05  # share of the work from which on the time left can be guessed
_SHOWN_FAILURES = 5
_BLANK_LINE = "\r\x1b[K"
_PASSED, _MISSED, _REFUSED = 0, 1, 4  # exit statuses


class Terminal:
    """Everything that goes through pytest's terminal reporter."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        self._started = time.monotonic()
        self._told = 0.0
        self._drawn = False
        self._failed = 0
        self._runtime: Runtime | None = None
        self._summary: Summary | None = None
        self._missed: list[str] = []
        self._page = ""
        self._lost = ""
        """Why not all who wanted to were told of the results."""
        self.unmeasured = ""
        """The gates that had nothing to decide on."""
        self._gate = Gate(floors={})

    # Progress

    def watch(self, runtime: Runtime) -> None:
        """Show how far ``runtime`` is, from now on."""
        self._runtime = runtime
        self._started = time.monotonic()

    def pytest_ugst_episode_finished(self, episode: Episode) -> None:
        """Count what went wrong, for the progress line."""
        self._failed += not episode.succeeded

    def say(self, line: str) -> None:
        """Print a line at once, whatever is captured."""
        if self._reporter is not None:
            with self._uncaptured():
                self._erase()
                self._reporter.ensure_newline()
                self._reporter.write_line(f"ugst: {plain(line)}")

    def tick(self) -> None:
        """Show progress, if it is time to; called while a test waits."""
        runtime = self._runtime
        if runtime is None or runtime.engine is None or self._reporter is None or runtime.settings.progress == "off":
            return
        now = time.monotonic()
        live = self._reporter.isatty and os.environ.get("TERM") != "dumb" and self._config.get_verbosity() >= 0
        if now - self._started < _FIRST or now - self._told < (_ON_TERMINAL if live else _IN_LOG):
            return
        self._told = now
        done, total = runtime.engine.counts
        text = progress_line(done, total, runtime.engine.share, now - self._started, runtime.usage(), self._failed)
        with self._uncaptured():
            if live:
                # Below pytest's own line, which knows nothing of it and goes on when this is gone.
                text = one_line(text, self._reporter._tw.fullwidth - 1)
                self._reporter.write_raw((_BLANK_LINE if self._drawn else "\n") + text, flush=True)
                self._drawn = True
            else:
                self._reporter.ensure_newline()
                self._reporter.write_line(text)

    def clear(self) -> None:
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
        from contextlib import nullcontext

        capture = self._config.pluginmanager.getplugin("capturemanager")
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()

    # Summary

    def finish(self, runtime: Runtime, report: Callable[[Run], None]) -> int:
        """Count, let the gates decide, and tell plugins (one of ours writes ``results.json``).

        Args:
            runtime: The session's.
            report: Tells plugins that the run is done.

        Returns:
            The exit status: 0, or 1 if a gate was missed, or 4 if the baseline turned out not to fit.
        """
        self._runtime = runtime
        self._summary = summarise(runtime.run)
        if not self._summary.outcomes:
            return _PASSED
        if runtime.settings.fail_under:
            self._gate = parse_gate(runtime.settings.fail_under)
            self._missed = self._gate.missed(self._summary.rows[-1].rates)
        new = None
        if runtime.gate is not None:
            new = runtime.gate.measure(runtime.run)
            self._summary = replace(self._summary, comparison=runtime.gate.decide(runtime.run, new))
        results = runtime.run.results = self._summary.results(runtime.run, self._gate, self._missed)
        try:
            write_results(runtime.run.folder / RESULTS_FILE, results)
            report(runtime.run)
        except Exception as error:  # whatever a plugin raises: table and verdict are not lost for it
            told = str(error) if isinstance(error, UgstError) else f"{type(error).__name__}: {error}"
            self._lost = one_line(told, 300)
        verdict = [line for line, _ in self._verdict()]
        tell_junit(self._config, runtime.run.name, self._summary, verdict)
        if (problem := tell_github(self._summary, self._notes(self._summary, runtime), verdict)) is not None:
            self.say(problem)
        if runtime.settings.html:
            self._write_page(runtime, self._summary, new)
        return self._status()

    def _write_page(self, runtime: Runtime, summary: Summary, new: Baseline | None) -> None:
        from pytest_ugst.analysis.html.baseline import PageBaseline
        from pytest_ugst.analysis.html.builder import page_path, write_page

        compared = summary.comparison
        against = None
        if runtime.gate is not None and new is not None and compared is not None and not compared.refused:
            against = PageBaseline.paired(runtime.gate.base, new, compared)
        try:
            path = page_path(runtime.settings.html, runtime.settings.root, runtime.run.folder)
            write_page(runtime.run, path, summary, against)
        except (UgstError, OSError) as error:  # pytest would show a traceback, and the run is not lost
            self._page = f"no page: {error}"
        else:
            self._page = f"page: {path}"

    def _verdict(self) -> list[tuple[str, bool]]:
        """What the gates say, a line each, and whether it is good news."""
        lines = [(f"FAILED pytest_ugst_report: {self._lost}", False)] if self._lost else []
        lines += [(f"FAILED --ugst-fail-under: {sentence}", False) for sentence in self._missed]
        if self._gate.floors and not self._missed and self._runtime is not None:
            lines.append((f"--ugst-fail-under={self._runtime.settings.fail_under}: reached", True))
        return [*lines, *self._against_baseline()]

    def _against_baseline(self) -> list[tuple[str, bool]]:
        gate = self._runtime.gate if self._runtime is not None else None
        comparison = self._summary.comparison if self._summary is not None else None
        return [] if gate is None or comparison is None else gate.verdict(comparison)

    def _status(self) -> int:
        bad = [line for line, good in self._verdict() if not good]
        refused = (
            self._summary is not None and self._summary.comparison is not None and self._summary.comparison.refused
        )
        return _REFUSED if refused and not self._missed else _MISSED if bad else _PASSED

    @property
    def measured(self) -> bool:
        """Whether anything was played, or was to be and could not."""
        return self._summary is not None and bool(self._summary.outcomes)

    def summary(self) -> None:
        """Print the table, and what has to be said beside it."""
        reporter, summary, runtime = self._reporter, self._summary, self._runtime
        if reporter is not None and self.unmeasured:
            reporter.ensure_newline()
            reporter.write_line(f"FAILED {self.unmeasured}: nothing was played, so nothing was measured", red=True)
        if reporter is None or summary is None or runtime is None or not summary.outcomes:
            return
        reporter.ensure_newline()
        reporter.section("user goal alignment")
        width, ansi = min(reporter._tw.fullwidth, 120), reporter._tw.hasmarkup
        reporter.write(render(summary.printed(), "terminal", width=width, ansi=ansi))
        for note in self._notes(summary, runtime):
            reporter.write_line(note)
        for line, good in self._verdict():
            reporter.write_line(line, green=good, red=not good, bold=not good)

    def _notes(self, summary: Summary, runtime: Runtime) -> list[str]:
        played = [o for o in summary.outcomes if o.stop is not None]
        stops: dict[str, int] = {}
        for one in played:
            stops[str(one.stop).replace("_", " ")] = stops.get(str(one.stop).replace("_", " "), 0) + 1
        turns = sum(o.turns for o in played) / len(played) if played else 0
        ended = ", ".join(f"{count} {name}" for name, count in sorted(stops.items(), key=lambda s: -s[1]))
        notes = [f"{counted(len(played), 'episode')} ({ended}), {turns:.1f} turns on average"]
        if missing := runtime.run.missing:
            left = counted(missing, "selected episode", ("was", "were"))
            notes.append(f"{left} not played; --ugst-resume={runtime.run.name} plays what is missing")
        for name, why in list(summary.failures.items())[:_SHOWN_FAILURES]:
            notes.append(f"could not be played: {one_line(name)}: {one_line(why, 500)}")
        if more := len(summary.failures) - _SHOWN_FAILURES:
            notes += [f"... and {more} more"] if more > 0 else []
        if runtime.run.journal.torn:
            notes.append(f"{counted(runtime.run.journal.torn, 'torn line')} of the journal left out")
        notes += [f"pytest_ugst_episode_finished failed: {one_line(e, 300)}" for e in runtime.all_callback_errors()[:3]]
        notes += [f"{one_line(role, 60)}: {describe(usage)}" for role, usage in summary.usage.items() if usage.calls]
        notes += [self._page] if self._page else []
        folder = f" --dir={runtime.settings.dir}" if runtime.settings.dir != ".ugst" else ""
        notes.append(f"run: {runtime.run.folder} ('ugst show{folder}' prints its conversations)")
        return [one_line(note) for note in notes]


def describe(usage: Usage) -> str:
    """Usage in words."""
    parts = [counted(usage.calls, "call")]
    if usage.cache_hits:
        parts.append(f"{usage.cache_hits} from the cache")
    if usage.retries:
        parts.append("1 retry" if usage.retries == 1 else f"{usage.retries} retries")
    parts.append(f"{_short(usage.prompt_tokens)} + {_short(usage.completion_tokens)} tokens")
    if usage.cost:
        parts.append(f"cost {usage.cost:.4f}")
    return ", ".join(parts)


def progress_line(done: int, total: int, share: float, seconds: float, usage: Usage, failed: int = 0) -> str:
    """How far the run is.

    Args:
        done: Episodes that are played.
        total: Episodes in all.
        share: How much of the work that is, from 0 to 1, episodes under way included.
        seconds: Since the start.
        usage: Of all models so far.
        failed: Episodes in which the simulator did not stay with its goal.
    """
    text = f"ugst: {done}/{total} episodes" + (f", {failed} not aligned" if failed else "")
    if usage.calls:
        text += f", {describe(usage)}"
    if _WORTH_TELLING <= share < 1:
        text += f", about {_clock(seconds / share * (1 - share))} left"
    return text


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 10_000_000 else f"{count / 1e6:.0f}M"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
