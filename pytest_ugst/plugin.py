"""The pytest plugin: hooks only, they delegate.

This module is imported in every pytest run of an environment that has us installed, so it imports nothing heavy; what
the hooks need is imported when there is work to do.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from pytest_ugst import fixtures, hookspecs
from pytest_ugst.fixtures import RUNTIME
from pytest_ugst.options import OPTIONS

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.registry import Registry
    from pytest_ugst.runtime import Runtime
    from pytest_ugst.settings import Settings
    from pytest_ugst.terminal import Terminal

_SESSION: pytest.StashKey[_XdistSession] = pytest.StashKey()
_HEADLINE: pytest.StashKey[str] = pytest.StashKey()
_TERMINAL: pytest.StashKey[Terminal] = pytest.StashKey()
_WATCH: pytest.StashKey[_Watch] = pytest.StashKey()
_ERROR_PREFIX = "pytest-ugst: "
PARTS = ("test", "train", "dev")
"""Splits for which there is a pytest marker."""
_GOAL_SUFFIXES = (".goal.yaml", ".goal.yml", ".goal.jsonl")  # spelt out: their own module would import yaml here


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini twins."""
    group = parser.getgroup("ugst", "user simulators under test (pytest-ugst)")
    for option in OPTIONS:
        default = f" (default: {option.default})" if option.default not in ("", False) else ""
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
    config.stash[_WATCH] = _Watch(config)
    config.pluginmanager.register(config.stash[_WATCH], "ugst-watch")
    config.stash[RUNTIME] = cast("Runtime", _LazyRuntime(config))
    if any(config.getoption(option.ini) is not None or config.getini(option.ini) for option in OPTIONS):
        from pytest_ugst.core.errors import UsageError

        try:
            read_settings(config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


class _LazyRuntime:
    """Stands in for the runtime until something of it is asked for."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(make_runtime(self._config), name)


def made_runtime(config: pytest.Config) -> Runtime | None:
    """The session's runtime, if anything needed one so far."""
    runtime: Any = config.stash.get(RUNTIME, None)
    return None if isinstance(runtime, _LazyRuntime) else runtime


def make_runtime(config: pytest.Config) -> Runtime:
    """The session's runtime, made at the first call."""
    made = made_runtime(config)
    if made is not None:
        return made
    from pytest_ugst import builtins
    from pytest_ugst.runtime import Runtime

    config.pluginmanager.register(builtins, "ugst-builtins")

    def register(registry: Registry) -> None:
        config.hook.pytest_ugst_register(registry=registry)

    def finished(episode: Episode) -> None:
        config.hook.pytest_ugst_episode_finished(episode=episode)

    given = getattr(config, "workerinput", None)
    if given is not None:
        more = {
            "run_name": given["ugst_run"],
            "served": given["ugst_served"],
            "workers": given["workercount"],
            "stop_note": _note(given["ugst_session"], "stop"),
            "begun": given["ugst_begun"],
        }
    else:
        known = config.stash.get(_SESSION, None)
        more = {"run_name": known and known.run}
    made = config.stash[RUNTIME] = Runtime(lambda: read_settings(config), register, finished, **more)
    return made


def read_settings(config: pytest.Config) -> Settings:
    """The options from the command line, else from the ini file, else their defaults.

    Raises:
        UsageError: Naming the option and the remedy.
    """
    from pytest_ugst.settings import Settings, read_models

    values = {}
    for option in OPTIONS:
        value = config.getoption(option.ini)
        if value is None:
            value = config.getini(option.ini) or None
        values[option.ini.removeprefix("ugst_")] = value
    models, path = read_models(config.rootpath)
    return Settings.make(config.rootpath, values, models=models, models_path=path)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A goal file is a test file."""
    if not file_path.name.endswith(_GOAL_SUFFIXES):
        return None
    from pytest_ugst.collection import GoalFile

    make_runtime(parent.config)
    collector: pytest.Collector = GoalFile.from_parent(parent, path=file_path)
    return collector


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per goal and trial, for tests that ask for a goal or an episode."""
    if "ugst_case" not in metafunc.fixturenames:
        return
    from pytest_ugst.collection import ERROR_PREFIX, Case, GoalMarker, parameters
    from pytest_ugst.core.errors import UsageError

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
            found = [pytest.param(c, id=c.id) for c in (Case(None, t, max_turns) for t in range(1, trials + 1))]
        else:
            folders = (node.path.parent, metafunc.config.rootpath)
            found = parameters(marker, runtime.registry, folders, trials, max_turns, metafunc.config.option.markexpr)
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
    if runtime is None or _only_looking(config) or _is_controller(config):
        return
    from pytest_ugst.core.errors import UgstError

    if not is_worker(config):
        terminal = terminal_of(config)
        terminal.watch(runtime)
        runtime.tick, runtime.say = terminal.tick, terminal.say
    try:
        if (bad_input := config.stash[_WATCH].bad_input) and not config.option.continue_on_collection_errors:
            # pytest itself stops here, but a worker of pytest-xdist would play the rest.
            raise UgstError(bad_input)
        runtime.begin(session.items)
    except UgstError as error:
        if is_worker(config):
            workerinput: Any = getattr(config, "workerinput")  # noqa: B009 - xdist adds it, unknown to typing
            _note(workerinput["ugst_session"], "error").write_text(str(error), encoding="utf-8")
        raise pytest.UsageError(str(error)) from None
    if is_worker(config) and runtime.headline():
        _note(getattr(config, "workerinput")["ugst_session"], "headline").write_text(  # noqa: B009 - added by xdist
            runtime.headline(), encoding="utf-8"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under ``--ugst-fail-under`` a misaligned goal counts in the rates and does not fail the run by itself."""
    report = yield
    if (
        report.when == "call"
        and report.failed
        and call.excinfo is not None
        and call.excinfo.errisinstance(AssertionError)
    ):
        runtime = made_runtime(item.config)
        if runtime is not None and runtime.settings.fail_under and runtime.plays(item):
            report.outcome = "skipped"
            report.wasxfail = "misaligned; counted by --ugst-fail-under"
    return report


class _Watch:
    """Hooks that are told of a report but not of the config."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._failures = 0
        self.bad_input = ""
        """What was wrong with goal files or markers, if anything was."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of collection errors that are the user's to mend."""
        if report.failed and _ERROR_PREFIX in (told := str(report.longrepr)):
            self.bad_input += told.partition(_ERROR_PREFIX)[2].rstrip() + "\n"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Under xdist, a worker does not learn that the session is to stop: leave it a note."""
        if not report.failed or not _is_controller(self._config):
            return
        self._failures += 1
        maxfail = self._config.getvalue("maxfail")
        if maxfail and self._failures >= maxfail:
            self._stop_workers()

    def pytest_keyboard_interrupt(self) -> None:
        """Likewise for Ctrl-C."""
        self._stop_workers()

    def _stop_workers(self) -> None:
        if (session := self._config.stash.get(_SESSION, None)) is not None:
            _note(session.id, "stop").touch()


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
    if runtime is None and _left_by_workers(config):
        runtime = make_runtime(config)
    if runtime is None:
        return
    runtime.close(cancel=True)
    if (runtime.run_exists() or _left_by_workers(config)) and not _only_looking(config):
        missed = terminal_of(config).finish(runtime, lambda run: config.hook.pytest_ugst_report(run=run))
        if missed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Print the table."""
    terminal = config.stash.get(_TERMINAL, None)
    if terminal is not None:
        terminal.summary()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of servers and threads, also where the session broke off."""
    runtime = made_runtime(config)
    if runtime is not None:
        runtime.close(cancel=True)
    if (session := config.stash.get(_SESSION, None)) is not None:
        for kind in ("stop", "error", "headline"):
            _note(session.id, kind).unlink(missing_ok=True)


def terminal_of(config: pytest.Config) -> Terminal:
    """What we print on the terminal."""
    if _TERMINAL not in config.stash:
        from pytest_ugst.terminal import Terminal

        config.stash[_TERMINAL] = Terminal(config)
    return config.stash[_TERMINAL]


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def _is_controller(config: pytest.Config) -> bool:
    return not is_worker(config) and bool(getattr(config.option, "tx", None)) and config.option.dist != "no"


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


# pytest-xdist: the controlling process names the run, starts the servers, stops everything and prints the table; the
# workers play.


class _XdistSession(NamedTuple):
    """What all processes of one session have to agree on."""

    id: str
    run: str
    """The run's name, or its folder where one is resumed."""
    begun: str


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which run it plays in, and where the models are served."""
    config = node.config
    if _SESSION not in config.stash:
        from pytest_ugst.core.errors import UsageError

        try:
            config.stash[_SESSION] = _begin_session(config)
            if _names_a_model(config):
                serving = make_runtime(config)
                serving.say = terminal_of(config).say
                serving.serve()
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
    session = config.stash[_SESSION]
    runtime = made_runtime(config)
    node.workerinput["ugst_session"] = session.id
    node.workerinput["ugst_run"] = session.run
    node.workerinput["ugst_begun"] = session.begun
    node.workerinput["ugst_served"] = runtime.casting.served() if runtime is not None else {}


def _begin_session(config: pytest.Config) -> _XdistSession:
    now = time.time()
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    name = f"{clock.replace(':', '-')}-{os.urandom(2).hex()}"
    begun = f"{clock}.{int(now % 1 * 1000):03}+00:00"
    if config.getoption("ugst_resume") or config.getini("ugst_resume"):
        # Named here, since "the latest" could be another one by the time that a worker looks.
        from pytest_ugst.engine.run import find_run

        settings = read_settings(config)
        return _XdistSession(name, str(find_run(settings.home, settings.resume).folder.resolve()), begun)
    return _XdistSession(name, name, begun)


def _left_by_workers(config: pytest.Config) -> bool:
    """Whether workers have played something, though they may not have come to report it (after Ctrl-C)."""
    session = config.stash.get(_SESSION, None)
    if session is None:
        return False
    home = config.rootpath / (config.getoption("ugst_dir") or config.getini("ugst_dir") or ".ugst")
    return (home / "runs" / session.run / "claims").is_dir()


def _names_a_model(config: pytest.Config) -> bool:
    """Whether the options name anything but built-ins, for which a server may have to be started."""
    for name, builtin in (("sim", "agenda"), ("agent", "rules"), ("judge", "checks"), ("decomposer", "")):
        value = config.getoption(f"ugst_{name}") or config.getini(f"ugst_{name}") or builtin
        if value.partition(":")[0] != builtin:
            return True
    return False


def _note(session: str, kind: str) -> Path:
    """Where processes of one session leave a note for each other, which xdist has no way for.

    A worker's usage error would not reach the controlling process whole; that the session is to stop would not reach
    the workers.
    """
    return Path(tempfile.gettempdir()) / f"ugst-{session}.{kind}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """A worker that found something for the user to mend ends the session; else it knows what is played."""
    _raise_noted_error(node.config)
    headline = _take(node.config, "headline")
    if headline and node.config.stash.setdefault(_HEADLINE, headline) is headline:
        terminal_of(node.config).say(headline.removeprefix("ugst: "))


def _raise_noted_error(config: pytest.Config) -> None:
    if message := _take(config, "error"):
        raise pytest.UsageError(message)


def _take(config: pytest.Config, kind: str) -> str:
    """What a worker noted, once."""
    note = _note(config.stash[_SESSION].id, kind)
    try:
        text = note.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    note.unlink(missing_ok=True)
    return text


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker knows of the run."""
    _raise_noted_error(node.config)
    told = getattr(node, "workeroutput", {}).get("ugst")
    if told:
        make_runtime(node.config).merge(told)
