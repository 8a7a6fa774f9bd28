"""The end of a session: what was measured, what the gates decide, and so the exit status.

The one place that decides. Terminal, CI files, page and ``results.json`` are each made from the outcome and decide
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from pytest_ugst.analysis.regression.gate import Decision
from pytest_ugst.analysis.results import write_results
from pytest_ugst.analysis.success.gate import Gate, parse_gate
from pytest_ugst.analysis.summary import Summary, summarise
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.text import counted, one_line
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.run import RESULTS_FILE, StoredRun

if TYPE_CHECKING:
    from pytest_ugst.analysis.regression.baseline import Baseline
    from pytest_ugst.plugin.session import PluginSession

_SHOWN_FAILURES = 5
_SHOWN_CALLBACK_ERRORS = 3
_PASSED, _MISSED, _REFUSED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """The outcome of a session: tables, decisions, exit status, messages."""

    summary: Summary | None
    """Tables, outcomes and usage; None where nothing was played."""
    decisions: tuple[Decision, ...] = ()
    """What the gates decide, in the order in which it is printed."""
    exit_status: pytest.ExitCode = _PASSED
    """What the decisions alone ask for; a session that failed for another reason stays failed."""
    messages: tuple[str, ...] = ()
    """What has to be said beside the tables, a line each."""
    where: str = ""
    """Where the run is kept, as a line."""
    measured: Baseline | None = None
    """The record that was compared with the baseline, where one was named."""

    @property
    def lines(self) -> list[str]:
        """The decisions as lines."""
        return [decision.text for decision in self.decisions]


def conclude(session: PluginSession, report: Callable[[StoredRun], None]) -> SessionOutcome:
    """Count what was played, let the gates decide, write ``results.json``, and report the run to plugins.

    Args:
        session: A session that is settled.
        report: Reports to plugins that the run is done. Whatever it raises becomes a decision: tables and verdicts are
            not lost for it.
    """
    run, settings = session.run, session.settings
    summary = summarise(run)
    if not summary.outcomes:
        return SessionOutcome(None)
    decisions: list[Decision] = []
    gate, missed = Gate(floors={}), list[str]()
    if settings.fail_under:
        gate = parse_gate(settings.fail_under)
        missed = gate.missed(summary.rows[-1].rates)
        decisions += [Decision(f"FAILED --ugst-fail-under: {sentence}", passed=False) for sentence in missed]
        if gate.floors and not missed:
            decisions.append(Decision(f"--ugst-fail-under={settings.fail_under}: reached", passed=True))
    measured = None
    if session.gate is not None:
        measured = session.gate.measure(run)
        comparison = session.gate.compare(run, measured)
        summary = replace(summary, comparison=comparison)
        decisions += session.gate.decisions(comparison)
    problem = _publish(run, summary, gate, missed, report)
    if problem:
        decisions.insert(0, Decision(f"FAILED pytest_ugst_report: {problem}", passed=False))
    return SessionOutcome(
        summary,
        tuple(decisions),
        _exit_status(decisions, refused=bool(summary.comparison and summary.comparison.refused), missed=bool(missed)),
        tuple(one_line(message) for message in _messages(session, summary)),
        one_line(_where(session)),
        measured,
    )


def unmeasured(gates: Sequence[str]) -> SessionOutcome:
    """Return the outcome of a session in which gates had nothing to decide on: that must not look like passing them.

    Args:
        gates: The gates' options.
    """
    text = f"FAILED {' and '.join(gates)}: nothing was played, so nothing was measured"
    return SessionOutcome(None, (Decision(text, passed=False),), _MISSED)


def _publish(
    run: StoredRun, summary: Summary, gate: Gate, missed: list[str], report: Callable[[StoredRun], None]
) -> str:
    """Write ``results.json`` and report to plugins; return what went wrong, if anything."""
    results = run.results = summary.results(run, gate, missed)
    try:
        write_results(run.folder / RESULTS_FILE, results)
        report(run)
    except Exception as error:  # whatever a plugin raises
        return one_line(str(error) if isinstance(error, UgstError) else f"{type(error).__name__}: {error}", 300)
    return ""


def _exit_status(decisions: Sequence[Decision], *, refused: bool, missed: bool) -> pytest.ExitCode:
    """Return the exit status: 4 if the baseline turned out not to fit, 1 if a gate was missed."""
    if refused and not missed:
        return _REFUSED
    return _PASSED if all(decision.passed for decision in decisions) else _MISSED


def _messages(session: PluginSession, summary: Summary) -> list[str]:
    run = session.run
    played = [o for o in summary.outcomes if o.stop is not None]
    stops: dict[str, int] = {}
    for one in played:
        name = str(one.stop).replace("_", " ")
        stops[name] = stops.get(name, 0) + 1
    turns = sum(o.turns for o in played) / len(played) if played else 0
    ended = ", ".join(f"{count} {name}" for name, count in sorted(stops.items(), key=lambda s: -s[1]))
    lines = [f"{counted(len(played), 'episode')} ({ended}), {turns:.1f} turns on average"]
    if missing := run.missing:
        left = counted(missing, "selected episode", ("was", "were"))
        lines.append(f"{left} not played; --ugst-resume={run.name} plays what is missing")
    for name, why in list(summary.failures.items())[:_SHOWN_FAILURES]:
        lines.append(f"could not be played: {one_line(name)}: {one_line(why, 500)}")
    if (more := len(summary.failures) - _SHOWN_FAILURES) > 0:
        lines.append(f"... and {more} more")
    if run.journal.torn:
        lines.append(f"{counted(run.journal.torn, 'torn line')} of the journal left out")
    errors = session.callback_errors()[:_SHOWN_CALLBACK_ERRORS]
    lines += [f"pytest_ugst_episode_finished failed: {one_line(error, 300)}" for error in errors]
    lines += [f"{one_line(role, 60)}: {describe(usage)}" for role, usage in summary.usage.items() if usage.calls]
    return lines


def _where(session: PluginSession) -> str:
    folder = f" --dir={session.settings.dir}" if session.settings.dir != ".ugst" else ""
    return f"run: {session.run.folder} ('ugst show{folder}' prints its conversations)"


def describe(usage: Usage) -> str:
    """Return usage in words: calls, tokens and cost."""
    parts = [counted(usage.calls, "call")]
    if usage.cache_hits:
        parts.append(f"{usage.cache_hits} from the cache")
    if usage.retries:
        parts.append("1 retry" if usage.retries == 1 else f"{usage.retries} retries")
    parts.append(f"{_short(usage.prompt_tokens)} + {_short(usage.completion_tokens)} tokens")
    if usage.cost:
        parts.append(f"cost {usage.cost:.4f}")
    return ", ".join(parts)


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 10_000_000 else f"{count / 1e6:.0f}M"
