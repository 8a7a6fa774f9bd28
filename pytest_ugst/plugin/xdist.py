"""The hooks for pytest-xdist, registered in its controlling process.

That process names the run, starts the servers, stops everything and prints the table; the workers play.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_ugst.config.options import DEFAULT_AGENT, DEFAULT_JUDGE, DEFAULT_SIMULATOR
from pytest_ugst.plugin.notes import XDIST, XdistSession, note_path, take_note
from pytest_ugst.plugin.state import existing_session, is_controller, read_options, session_of, terminal_of

_HEADLINE: pytest.StashKey[str] = pytest.StashKey()


class StopNotes:
    """Hooks that let the workers know that the session is to stop; xdist does not, and workers wait for each other."""

    def __init__(self, config: pytest.Config) -> None:
        """Note nothing yet.

        Args:
            config: Of the controlling process.
        """
        self._config = config
        self._failures = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Stop the workers with the last failure that ``--maxfail`` allows."""
        if not report.failed or not is_controller(self._config):
            return
        self._failures += 1
        maxfail = self._config.getvalue("maxfail")
        if maxfail and self._failures >= maxfail:
            self._stop_workers()

    def pytest_keyboard_interrupt(self) -> None:
        """Stop the workers with Ctrl-C."""
        self._stop_workers()

    def _stop_workers(self) -> None:
        if (session := self._config.stash.get(XDIST, None)) is not None:
            note_path(session.id, "stop").touch()


def pytest_configure_node(node: Any) -> None:
    """Hand a worker the run it plays in, and where the models are served."""
    config = node.config
    if XDIST not in config.stash:
        from pytest_ugst.core.errors import UsageError

        try:
            config.stash[XDIST] = _begin_session(config)
            if _names_a_model(config):
                session_of(config).serve()
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
    xdist = config.stash[XDIST]
    session = existing_session(config)
    node.workerinput["ugst_session"] = xdist.id
    node.workerinput["ugst_run"] = xdist.run
    node.workerinput["ugst_begun"] = xdist.begun
    node.workerinput["ugst_baseline"] = xdist.baseline
    node.workerinput["ugst_served"] = dict(session.served()) if session is not None else {}


def _begin_session(config: pytest.Config) -> XdistSession:
    from pytest_ugst.runs.names import new_name

    now = datetime.now(UTC)
    name, begun = new_name(now), now.isoformat(timespec="milliseconds")
    baseline = ""
    if config.getoption("ugst_baseline") or config.getini("ugst_baseline"):
        from pytest_ugst.analysis.regression.gate import BaselineGate

        gate = BaselineGate.open(read_options(config))
        baseline = gate.base.model_dump_json() if gate is not None else ""
    if config.getoption("ugst_resume") or config.getini("ugst_resume"):
        # Named here, since "the latest" could be another one by the time that a worker looks.
        from pytest_ugst.runs.run import find_run

        settings = read_options(config)
        return XdistSession(name, str(find_run(settings.home, settings.resume).folder.resolve()), begun, baseline)
    return XdistSession(name, name, begun, baseline)


def _names_a_model(config: pytest.Config) -> bool:
    """Return whether the options name anything but built-ins, for which a server may have to be started."""
    defaults = {"sim": DEFAULT_SIMULATOR, "agent": DEFAULT_AGENT, "judge": DEFAULT_JUDGE, "decomposer": ""}
    for name, builtin in defaults.items():
        value = config.getoption(f"ugst_{name}") or config.getini(f"ugst_{name}") or builtin
        if value.partition(":")[0] != builtin:
            return True
    return False


def pytest_xdist_node_collection_finished(node: Any) -> None:
    """End the session if a worker found something for the user to mend; else print what is played."""
    _raise_noted_error(node.config)
    headline = take_note(node.config, "headline")
    if headline and node.config.stash.setdefault(_HEADLINE, headline) is headline:
        terminal_of(node.config).notify(headline.removeprefix("ugst: "))


def _raise_noted_error(config: pytest.Config) -> None:
    if message := take_note(config, "error"):
        raise pytest.UsageError(message)


def pytest_testnodedown(node: Any, error: object) -> None:
    """Merge what a worker knows of the run."""
    _raise_noted_error(node.config)
    report = getattr(node, "workeroutput", {}).get("ugst")
    if report:
        session_of(node.config).merge(report)
