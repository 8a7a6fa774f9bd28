"""The pytest plugin: hooks only, they delegate.

This module is imported in every pytest run of an environment that has us installed, so it imports nothing heavy; what
the hooks need is imported when there is work to do.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.config.options import GATES, OPTIONS
from pytest_ugst.plugin import fixtures, hookspecs
from pytest_ugst.plugin.keys import STRAYED
from pytest_ugst.plugin.notes import note_path, planned_by_workers, remove_notes
from pytest_ugst.plugin.state import (
    TERMINAL,
    existing_session,
    is_controller,
    is_worker,
    read_options,
    session_of,
    terminal_of,
    worker_input,
)

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.plugin.outcome import SessionOutcome
    from pytest_ugst.plugin.session import PluginSession

_COLLECT_ERRORS: pytest.StashKey[_CollectErrors] = pytest.StashKey()
_ERROR_PREFIX = "pytest-ugst: "
SPLITS = ("test", "train", "dev")
"""Splits for which there is a pytest marker."""
_GOAL_SUFFIXES = (".goal.yaml", ".goal.yml", ".goal.jsonl")  # spelt out: their own module would import yaml here


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini twins."""
    group = parser.getgroup("ugst", "user simulators under test (pytest-ugst)")
    for option in OPTIONS:
        default = "" if option.default is False or option.default == "" else f" (default: {option.default})"
        text = option.help.replace("%", "%%") + default
        more: dict[str, Any] = {"dest": option.ini, "default": None, "help": f"{text}; ini: {option.ini}"}
        if option.type is bool:
            group.addoption(option.flag, action="store_const", const="true", **more)
        else:
            if option.const is not None:
                more |= {"nargs": "?", "const": option.const}
            if option.choices:
                more["choices"] = option.choices
            group.addoption(option.flag, metavar=option.metavar, **more)
        parser.addini(option.ini, text, type="string", default="")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add our hooks."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register marker and fixtures, and refuse options that can be seen to be wrong."""
    config.addinivalue_line(
        "markers",
        "ugst(goals, split=None, tags=(), max_turns=None, trials=None, unplayable='error'): play these goals; goals is "
        "a goal source such as 'concierge', a goal file or folder, or a list of goals; of a list of splits the first "
        "is played unless -m names others; unplayable='skip' skips what the named roles can't play",
    )
    for split in SPLITS:
        config.addinivalue_line("markers", f"{split}: set by pytest-ugst on tests of goals of this split")
    config.pluginmanager.register(fixtures, "ugst-fixtures")
    config.stash[_COLLECT_ERRORS] = _CollectErrors()
    config.pluginmanager.register(config.stash[_COLLECT_ERRORS], "ugst-collect-errors")
    if is_controller(config):
        from pytest_ugst.plugin import xdist

        config.pluginmanager.register(xdist, "ugst-xdist")
        config.pluginmanager.register(xdist.StopNotes(config), "ugst-xdist-stop")
    if any(config.getoption(option.ini) is not None or config.getini(option.ini) for option in OPTIONS):
        from pytest_ugst.core.errors import UsageError

        try:
            _check_options(read_options(config), config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


def _check_options(settings: Options, config: pytest.Config) -> None:
    """Check what can be checked before anything is collected, or any worker started."""
    _check_gates(settings, config)
    if settings.fail_under:
        from pytest_ugst.analysis.success.gate import parse_gate

        parse_gate(settings.fail_under)
    if is_worker(config):
        return  # the controlling process has checked the rest
    if settings.baseline:
        from pytest_ugst.analysis.regression.gate import check_baseline

        check_baseline(settings)
    if settings.resume:
        from pytest_ugst.runs.run import find_run

        find_run(settings.home, settings.resume)
    if settings.html:
        from pytest_ugst.analysis.html.builder import page_path

        page_path(settings.html, settings.root)


def _check_gates(settings: Options, config: pytest.Config) -> None:
    """Refuse gates that would go unnoticed."""
    from pytest_ugst.core.errors import UsageError

    for gate in GATES:
        # An unset variable in a CI script, most likely.
        if config.getoption(gate) == "":
            ini = gate.removeprefix("--").replace("-", "_")
            raise UsageError(f"{gate}= is empty; give it a value, or leave it out (of the ini file: -o {ini}=)")
    if not settings.baseline:
        for option in ("--ugst-max-drop", "--ugst-strict-gate", "--ugst-baseline-allow"):
            if _typed(config, option):
                raise UsageError(f"{option} says nothing without --ugst-baseline; name a baseline, or leave it out")


# Collection


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a goal file as a test file."""
    if not file_path.name.endswith(_GOAL_SUFFIXES):
        return None
    from pytest_ugst.plugin.collection import GoalFile

    collector: pytest.Collector = GoalFile.from_parent(parent, path=file_path)
    return collector


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test per goal and trial, of tests that ask for a goal or an episode."""
    if "ugst_case" not in metafunc.fixturenames:
        return
    from pytest_ugst.core.errors import UsageError
    from pytest_ugst.plugin.cases import parameters_of

    try:
        session = session_of(metafunc.config)
        found = parameters_of(metafunc, session.settings, session.registry, session.edited)
    except UsageError as error:
        raise pytest.Collector.CollectError(f"{_ERROR_PREFIX}{error}") from None
    metafunc.parametrize("ugst_case", found, indirect=True)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Print what is tested against what."""
    session = existing_session(config)
    return [] if session is None else session.headline().splitlines()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start to play what is selected. Under xdist: in the workers, before they report what they collected."""
    config = session.config
    ours = existing_session(config)
    if ours is None or _only_looking(config) or is_controller(config):
        return
    from pytest_ugst.core.errors import UgstError

    try:
        if (bad_input := config.stash[_COLLECT_ERRORS].text) and not config.option.continue_on_collection_errors:
            # pytest itself stops here, but a worker of pytest-xdist would play the rest.
            raise UgstError(bad_input)
        if not is_worker(config):
            terminal_of(config)  # it counts episodes from the first on
        ours.begin(session.items)
    except UgstError as error:
        if (worker := worker_input(config)) is not None:
            note_path(worker["ugst_session"], "error").write_text(str(error), encoding="utf-8")
        raise pytest.UsageError(str(error)) from None
    if (worker := worker_input(config)) is not None:
        _note_what_is_played(worker["ugst_session"], ours)


def _note_what_is_played(session_id: str, session: PluginSession) -> None:
    """Leave notes of a worker for the controlling process."""
    from pytest_ugst.utils.files import write_whole

    if headline := session.headline():
        note_path(session_id, "headline").write_text(headline, encoding="utf-8")
    if session.scheduler is not None:
        write_whole(note_path(session_id, "planned"), json.dumps(session.ledger.selected))


class _CollectErrors:
    """Collection errors that are the user's to mend; a plugin, since the hook gets a report and no config."""

    text = ""
    """What is wrong with goal files or markers, a line each."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the message of an error of ours."""
        if report.failed and _ERROR_PREFIX in (text := str(report.longrepr)):
            self.text += text.partition(_ERROR_PREFIX)[2].rstrip() + "\n"


# Tests


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a misaligned goal count in the rates under a gate, and not fail the run by itself."""
    report = yield
    session = existing_session(item.config)
    if session is None:
        return report
    if report.when == "setup" and report.skipped:
        session.ledger.skip(item.nodeid)
    failed = report.when == "call" and report.failed and call.excinfo is not None
    if failed and call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
        strayed = item.stash.get(STRAYED, False)
        if strayed and (gates := session.settings.gates):
            report.outcome = "skipped"
            report.wasxfail = f"misaligned; counted by {' and '.join(gates)}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(report: pytest.CollectReport | pytest.TestReport) -> None:
    """Let a subtest be named by one of our enums: xdist sends plain strings only."""
    context = getattr(report, "context", None)
    name = getattr(context, "msg", None)
    if isinstance(name, str) and type(name) is not str:
        object.__setattr__(context, "msg", str(name))  # the context is frozen


# The end


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop playing, and in the process that has the terminal conclude the session."""
    config = session.config
    ours = existing_session(config)
    if is_worker(config):
        _finish_worker(session, ours)
        return
    if _only_bad_input(session):
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    planned = planned_by_workers(config)
    if planned is not None:
        ours = session_of(config)
    if ours is not None:
        ours.close(cancel=True)
    if _only_looking(config):
        return
    outcome = None
    if ours is not None and (planned is not None or ours.played_anything()):
        ours.settle(planned)
        outcome = _conclude(ours, config)
    if session.exitstatus != pytest.ExitCode.OK:
        return
    if outcome is None or outcome.summary is None:
        outcome = _conclude_unmeasured(ours, config)
    if outcome is not None:
        session.exitstatus = outcome.exit_status


def _finish_worker(session: pytest.Session, ours: PluginSession | None) -> None:
    """Stop playing in a worker of pytest-xdist, and report to the controlling process."""
    if ours is not None:
        # What this worker has begun another one may be waiting for, unless everything is to stop.
        ours.close(cancel=bool(session.shouldfail or session.shouldstop))
        output: Any = getattr(session.config, "workeroutput")  # noqa: B009 - xdist adds it, unknown to typing
        output["ugst"] = ours.report()


def _conclude(session: PluginSession, config: pytest.Config) -> SessionOutcome:
    """Conclude a session in which something was played or begun, and hand its outcome to all who show it."""
    from pytest_ugst.plugin.ci import add_junit_properties, write_github_summary
    from pytest_ugst.plugin.outcome import conclude

    outcome = conclude(session, lambda run: config.hook.pytest_ugst_report(run=run))
    if outcome.summary is None:
        return outcome
    add_junit_properties(config, session.run.name, outcome)
    if (problem := write_github_summary(outcome)) is not None:
        terminal_of(config).notify(problem)
    page = ""
    if session.settings.html:
        from pytest_ugst.plugin.page import write_session_page

        page = write_session_page(session, outcome)
    terminal_of(config).set_outcome(outcome, page)
    return outcome


def _conclude_unmeasured(session: PluginSession | None, config: pytest.Config) -> SessionOutcome | None:
    """Conclude a session in which nothing was measured: it fails where a gate was meant.

    A gate of the ini file concerns sessions that ask for episodes alone.
    """
    meant = session.settings.gates if session is not None and session.ledger.requested else ()
    gates = [flag for flag in GATES if flag in meant or _typed(config, flag)]
    if not gates:
        return None
    from pytest_ugst.plugin.outcome import unmeasured

    outcome = unmeasured(gates)
    terminal_of(config).set_outcome(outcome)
    return outcome


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Print the outcome."""
    terminal = config.stash.get(TERMINAL, None)
    if terminal is not None:
        terminal.print_outcome()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of servers and threads, also where the session broke off."""
    session = existing_session(config)
    if session is not None:
        session.close(cancel=True)
    remove_notes(config)


def _typed(config: pytest.Config, flag: str) -> bool:
    """Return whether an option was given for this very run, and not by ``addopts``."""
    return any(str(given).partition("=")[0] == flag for given in config.invocation_params.args)


def _only_looking(config: pytest.Config) -> bool:
    """Return whether tests are collected and not run."""
    option = config.option
    return bool(option.collectonly or option.showfixtures or option.show_fixtures_per_test or option.setupplan)


def _only_bad_input(session: pytest.Session) -> bool:
    """Return whether the session ended because of goal files or markers that are the user's to mend."""
    return bool(session.config.stash[_COLLECT_ERRORS].text) and int(session.exitstatus) in (
        pytest.ExitCode.INTERRUPTED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    )
