"""The end of a session, decided in one place: what is measured, decided, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.analysis.regression.gate import Decision
from pytest_ugst.config.settings import Options
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.status import Status
from pytest_ugst.plugin.notes import SharedRun
from pytest_ugst.plugin.outcome import SessionOutcome, conclude, unmeasured
from pytest_ugst.plugin.session import PluginSession
from pytest_ugst.runs.run import StoredRun
from tests.factories import make_episode, record, verdict


def session_with(tmp_path: Path, complete: int, incomplete: int = 0, **options: str) -> PluginSession:
    """A settled session whose run holds episodes that completed their goal, or did not."""
    home = tmp_path / ".ugst"
    statuses = [Status.COMPLETE] * complete + [Status.INCOMPLETE] * incomplete
    names = [f"g{number}" for number in range(len(statuses))]
    begun = "2026-11-30T12:00:00.000+00:00"
    record(
        home,
        "this",
        *(make_episode(n, verdict("t", 1, status), started=begun) for n, status in zip(names, statuses, strict=True)),
    )
    settings = Options.make(tmp_path, {"dir": ".ugst", **options})
    session = PluginSession(lambda: settings, lambda registry: None, lambda episode: None, shared=SharedRun("this"))
    session.ledger.select(*names)
    session.settle()
    return session


def concluded(session: PluginSession) -> SessionOutcome:
    return conclude(session, lambda run: None)


def test_without_gates_nothing_is_decided_and_nothing_fails(tmp_path: Path) -> None:
    outcome = concluded(session_with(tmp_path, 1, 3))
    assert outcome.decisions == ()
    assert outcome.exit_status == pytest.ExitCode.OK
    assert outcome.messages[0] == "4 episodes (4 user ended), 1.0 turns on average"
    assert str(tmp_path / ".ugst" / "runs" / "this") in outcome.where


@pytest.mark.parametrize(
    ("floor", "status", "passed"),
    [("75", pytest.ExitCode.OK, True), ("76", pytest.ExitCode.TESTS_FAILED, False)],
)
def test_a_floor_decides(tmp_path: Path, floor: str, status: pytest.ExitCode, passed: bool) -> None:
    outcome = concluded(session_with(tmp_path, 3, 1, fail_under=floor))
    assert outcome.exit_status == status
    assert {decision.passed for decision in outcome.decisions} == {passed}


def test_nothing_played_is_no_outcome_of_a_gate(tmp_path: Path) -> None:
    outcome = concluded(session_with(tmp_path, 0, fail_under="10"))
    assert outcome.summary is None
    assert outcome.decisions == ()
    missing = unmeasured(["--ugst-fail-under"])
    assert missing.exit_status == pytest.ExitCode.TESTS_FAILED
    assert missing.lines == ["FAILED --ugst-fail-under: nothing was played, so nothing was measured"]


def test_a_baseline_that_does_not_fit_refuses_unless_a_floor_was_missed_as_well(tmp_path: Path) -> None:
    session_with(tmp_path / "old", 2)
    base = str(tmp_path / "old" / ".ugst" / "runs" / "this")
    refused = concluded(session_with(tmp_path / "new", 0, 4, baseline=base, max_drop="5"))
    assert refused.exit_status == pytest.ExitCode.USAGE_ERROR
    assert refused.lines[-1].startswith("REFUSED ")
    both = concluded(session_with(tmp_path / "both", 0, 4, baseline=base, max_drop="5", fail_under="50"))
    assert both.exit_status == pytest.ExitCode.TESTS_FAILED
    assert len(both.lines) == 2


def test_the_same_run_is_no_regression(tmp_path: Path) -> None:
    session_with(tmp_path / "old", 6)
    base = str(tmp_path / "old" / ".ugst" / "runs" / "this")
    outcome = concluded(session_with(tmp_path / "new", 6, baseline=base))
    assert outcome.exit_status == pytest.ExitCode.OK
    assert outcome.decisions[0] == Decision(outcome.lines[0], passed=True)
    assert "no regression" in outcome.lines[0]


@pytest.mark.parametrize(
    ("raised", "shown"), [(UsageError("no room"), "no room"), (KeyError("x"), "KeyError: 'x'")], ids=["ours", "theirs"]
)
def test_a_plugin_that_fails_loses_neither_results_nor_decisions(tmp_path: Path, raised: Exception, shown: str) -> None:
    session = session_with(tmp_path, 4, fail_under="50")

    def report(run: StoredRun) -> None:
        assert json.loads((run.folder / "results.json").read_text())["run"] == "this"  # written before plugins look
        raise raised

    outcome = conclude(session, report)
    assert outcome.lines == [f"FAILED pytest_ugst_report: {shown}", "--ugst-fail-under=50: reached"]
    assert outcome.exit_status == pytest.ExitCode.TESTS_FAILED
    assert outcome.summary is not None
