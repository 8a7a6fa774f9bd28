"""The pytest plugin: hooks only, they delegate.

This module is imported in every pytest run of an environment that has us installed, so it imports nothing heavy; what
the hooks need is imported when there is work to do.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_ugst.config.options import GATES, OPTIONS
from pytest_ugst.plugin import fixtures, hookspecs
from pytest_ugst.plugin.fixtures import RUNTIME
from pytest_ugst.plugin.state import (
    SESSION,
    TERMINAL,
    LazyRuntime,
    is_controller,
    is_worker,
    made_runtime,
    make_runtime,
    note,
    planned_by_workers,
    read_settings,
    terminal_of,
)

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.plugin.session import Runtime

_WATCH: pytest.StashKey[_Watch] = pytest.StashKey()
_ERROR_PREFIX = "pytest-ugst: "
PARTS = ("test", "train", "dev")
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
    """Register marker and fixtures."""
    config.addinivalue_line(
        "markers",
        "ugst(goals, split=None, tags=(), max_turns=None, trials=None, unplayable='error'): play these goals; goals is "
        "a goal source such as 'concierge', a goal file or folder, or a list of goals; of a list of splits the first "
        "is played unless -m names others; unplayable='skip' skips what the named roles can't play",
    )
    for part in PARTS:
        config.addinivalue_line("markers", f"{part}: set by pytest-ugst on tests of goals of this split")
    config.pluginmanager.register(fixtures, "ugst-fixtures")
    config.stash[_WATCH] = _Watch()
    config.pluginmanager.register(config.stash[_WATCH], "ugst-watch")
    if is_controller(config):
        from pytest_ugst.plugin import xdist

        config.pluginmanager.register(xdist, "ugst-xdist")
        config.pluginmanager.register(xdist.StopNotes(config), "ugst-xdist-stop")
    config.stash[RUNTIME] = cast("Runtime", LazyRuntime(config))
    if any(config.getoption(option.ini) is not None or config.getini(option.ini) for option in OPTIONS):
        from pytest_ugst.core.errors import UsageError

        try:
            _check_early(read_settings(config), config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


def _check_early(settings: Options, config: pytest.Config) -> None:
    """What can be told to be wrong before anything is collected, or any worker started."""
    from pytest_ugst.core.errors import UsageError

    for gate in GATES:
        # An unset variable in a CI script, most likely: a gate that is not there would go unnoticed.
        if config.getoption(gate) == "":
            ini = gate.removeprefix("--").replace("-", "_")
            raise UsageError(f"{gate}= is empty; give it a value, or leave it out (of the ini file: -o {ini}=)")
    if not settings.baseline:
        for option in ("--ugst-max-drop", "--ugst-strict-gate", "--ugst-baseline-allow"):
            if _typed(config, option):
                raise UsageError(f"{option} says nothing without --ugst-baseline; name a baseline, or leave it out")
    if settings.fail_under:
        from pytest_ugst.analysis.success.gate import parse_gate

        parse_gate(settings.fail_under)
    if settings.baseline and not is_worker(config):
        from pytest_ugst.plugin.baseline_gate import check_baseline

        check_baseline(settings)
    if settings.resume and not is_worker(config):
        from pytest_ugst.runs.run import find_run

        find_run(settings.home, settings.resume)
    if settings.html and not is_worker(config):
        from pytest_ugst.analysis.html.builder import page_path

        page_path(settings.html, settings.root)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A goal file is a test file."""
    if not file_path.name.endswith(_GOAL_SUFFIXES):
        return None
    from pytest_ugst.plugin.collection import GoalFile

    make_runtime(parent.config)
    collector: pytest.Collector = GoalFile.from_parent(parent, path=file_path)
    return collector


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per goal and trial, for tests that ask for a goal or an episode."""
    if "ugst_case" not in metafunc.fixturenames:
        return
    from pytest_ugst.core.errors import UsageError
    from pytest_ugst.engine.spec import GoalCase
    from pytest_ugst.plugin.cases import parameters
    from pytest_ugst.plugin.collection import ERROR_PREFIX
    from pytest_ugst.plugin.marker import GoalMarker

    runtime = make_runtime(metafunc.config)
    node = metafunc.definition
    try:
        settings = runtime.settings
        marker = GoalMarker.of(node, node.iter_markers("ugst"))
        trials = (marker and marker.trials) or settings.trials
        max_turns = (marker and marker.max_turns) or settings.max_turns
        if "episode" not in metafunc.fixturenames:
            trials = 1
        if marker is None or marker.goals is None:
            found = [pytest.param(c, id=c.id) for c in (GoalCase(None, t, max_turns) for t in range(1, trials + 1))]
        else:
            folders = (node.path.parent, metafunc.config.rootpath)
            chosen = metafunc.config.option.markexpr
            found = parameters(marker, runtime.registry, folders, trials, max_turns, chosen, runtime.edited)
    except UsageError as error:
        raise pytest.Collector.CollectError(f"{ERROR_PREFIX}{error}") from None
    metafunc.parametrize("ugst_case", found, indirect=True)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what is tested against what."""
    runtime = made_runtime(config)
    return [] if runtime is None else runtime.headline().splitlines()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start to play what is selected. Under xdist: in the workers, before they report what they collected."""
    config = session.config
    runtime = made_runtime(config)
    if runtime is None or _only_looking(config) or is_controller(config):
        return
    from pytest_ugst.core.errors import UgstError

    if not is_worker(config):
        terminal = terminal_of(config)
        terminal.watch(runtime)
        runtime.tick, runtime.waited, runtime.say = terminal.tick, terminal.clear, terminal.say
    try:
        if (bad_input := config.stash[_WATCH].bad_input) and not config.option.continue_on_collection_errors:
            # pytest itself stops here, but a worker of pytest-xdist would play the rest.
            raise UgstError(bad_input)
        runtime.begin(session.items)
    except UgstError as error:
        if is_worker(config):
            workerinput: Any = getattr(config, "workerinput")  # noqa: B009 - xdist adds it, unknown to typing
            note(workerinput["ugst_session"], "error").write_text(str(error), encoding="utf-8")
        raise pytest.UsageError(str(error)) from None
    if is_worker(config):
        from pytest_ugst.utils.files import write_whole

        session_id = getattr(config, "workerinput")["ugst_session"]  # noqa: B009 - added by xdist
        if runtime.headline():
            note(session_id, "headline").write_text(runtime.headline(), encoding="utf-8")
        if runtime.engine is not None:
            write_whole(note(session_id, "planned"), json.dumps(runtime.run.ids))


class _Watch:
    """A hook that is told of a report but not of the config."""

    bad_input = ""
    """What was wrong with goal files or markers, if anything was."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of collection errors that are the user's to mend."""
        if report.failed and _ERROR_PREFIX in (told := str(report.longrepr)):
            self.bad_input += told.partition(_ERROR_PREFIX)[2].rstrip() + "\n"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under a gate a misaligned goal counts in the rates and does not fail the run by itself."""
    report = yield
    if report.when == "setup" and report.skipped and (runtime := made_runtime(item.config)) is not None:
        runtime.skipped(item)
    if (
        report.when == "call"
        and report.failed
        and call.excinfo is not None
        and call.excinfo.errisinstance(AssertionError)
    ):
        runtime = made_runtime(item.config)
        if runtime is not None and (gates := runtime.settings.gates) and runtime.strayed(item):
            report.outcome = "skipped"
            report.wasxfail = f"misaligned; counted by {' and '.join(gates)}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop playing, write the results, and let the gate decide."""
    config = session.config
    runtime = made_runtime(config)
    if is_worker(config):
        if runtime is not None:
            # What this worker has begun another one may be waiting for, unless everything is to stop.
            runtime.close(cancel=bool(session.shouldfail or session.shouldstop))
            getattr(config, "workeroutput")["ugst"] = runtime.report()  # noqa: B009 - xdist adds it, unknown to typing
        return
    if _only_bad_input(session):
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    if (planned := planned_by_workers(config)) is not None:
        runtime = make_runtime(config)
    if runtime is not None:
        runtime.close(cancel=True)
    if _only_looking(config):
        return
    measured = False
    if runtime is not None and (planned is not None or runtime.run_exists()):
        runtime.settle(planned)
        status = terminal_of(config).finish(runtime, lambda run: config.hook.pytest_ugst_report(run=run))
        measured = terminal_of(config).measured
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = status
    if measured or session.exitstatus != pytest.ExitCode.OK:
        return
    # A gate that saw nothing must not look like one that was passed; one of the ini file concerns runs that ask for
    # episodes alone.
    meant = runtime.settings.gates if runtime is not None and runtime.asked else ()
    if gates := [flag for flag in GATES if flag in meant or _typed(config, flag)]:
        terminal_of(config).unmeasured = " and ".join(gates)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(report: pytest.CollectReport | pytest.TestReport) -> None:
    """Let a subtest be named by one of our enums: xdist sends plain strings only."""
    context = getattr(report, "context", None)
    name = getattr(context, "msg", None)
    if isinstance(name, str) and type(name) is not str:
        object.__setattr__(context, "msg", str(name))  # the context is frozen


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Print the table."""
    terminal = config.stash.get(TERMINAL, None)
    if terminal is not None:
        terminal.summary()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of servers and threads, also where the session broke off."""
    runtime = made_runtime(config)
    if runtime is not None:
        runtime.close(cancel=True)
    if (session := config.stash.get(SESSION, None)) is not None:
        for kind in ("stop", "error", "headline", "planned"):
            note(session.id, kind).unlink(missing_ok=True)


def _typed(config: pytest.Config, flag: str) -> bool:
    """Whether an option was given for this very run, and not by ``addopts``."""
    return any(str(given).partition("=")[0] == flag for given in config.invocation_params.args)


def _only_looking(config: pytest.Config) -> bool:
    """Whether tests are collected and not run."""
    option = config.option
    return bool(option.collectonly or option.showfixtures or option.show_fixtures_per_test or option.setupplan)


def _only_bad_input(session: pytest.Session) -> bool:
    """Whether the session ended because of goal files or markers that are the user's to mend."""
    return bool(session.config.stash[_WATCH].bad_input) and int(session.exitstatus) in (
        pytest.ExitCode.INTERRUPTED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    )
