"""The state that belongs to pytest's config: the session, the terminal, the options, and the kind of process.

Imported in every pytest run of an environment that has us installed, so it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.config.options import OPTIONS
from pytest_ugst.plugin.notes import XDIST, SharedRun, note_path

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.plugin.session import PluginSession
    from pytest_ugst.plugin.terminal import Terminal


SESSION: pytest.StashKey[PluginSession] = pytest.StashKey()
"""On the config: the session, once something needed it."""
TERMINAL: pytest.StashKey[Terminal] = pytest.StashKey()
"""On the config: what prints, once something was to be printed."""


def existing_session(config: pytest.Config) -> PluginSession | None:
    """Return the session, if anything needed one so far."""
    return config.stash.get(SESSION, None)


def session_of(config: pytest.Config) -> PluginSession:
    """Return the session, made at the first call."""
    existing = existing_session(config)
    if existing is not None:
        return existing
    from pytest_ugst.plugin.session import PluginSession
    from pytest_ugst.roles import builtins

    config.pluginmanager.register(builtins, "ugst-builtins")

    def register(registry: Registry) -> None:
        config.hook.pytest_ugst_register(registry=registry)

    def finished(episode: Episode) -> None:
        config.hook.pytest_ugst_episode_finished(episode=episode)

    worker = worker_input(config)
    if worker is not None:
        shared = SharedRun(
            name=worker["ugst_run"],
            served=worker["ugst_served"],
            workers=worker["workercount"],
            stop_file=note_path(worker["ugst_session"], "stop"),
            begun=worker["ugst_begun"],
            baseline=worker["ugst_baseline"],
        )
    else:
        xdist = config.stash.get(XDIST, None)
        shared = SharedRun(name=xdist.run, begun=xdist.begun, baseline=xdist.baseline) if xdist else SharedRun()

    def observer() -> Terminal | None:
        return None if worker is not None else terminal_of(config)

    made = config.stash[SESSION] = PluginSession(lambda: read_options(config), register, finished, observer, shared)
    return made


def read_options(config: pytest.Config) -> Options:
    """Read the options from the command line, else from the ini file, else take their defaults.

    Raises:
        UsageError: Naming the option and the remedy.
    """
    from pytest_ugst.config.settings import Options, read_models

    values = {}
    for option in OPTIONS:
        value = config.getoption(option.ini)
        if value is None:
            value = config.getini(option.ini) or None
        values[option.ini.removeprefix("ugst_")] = value
    models, path = read_models(config.rootpath)
    return Options.make(config.rootpath, values, models=models, models_path=path)


def terminal_of(config: pytest.Config) -> Terminal:
    """Return what prints on the terminal, made at the first call."""
    if TERMINAL not in config.stash:
        from pytest_ugst.plugin.terminal import Terminal

        config.stash[TERMINAL] = Terminal(config)
        config.pluginmanager.register(config.stash[TERMINAL], "ugst-terminal")
    return config.stash[TERMINAL]


def worker_input(config: pytest.Config) -> Any:
    """Return what a worker of pytest-xdist was given; None in any other process."""
    return getattr(config, "workerinput", None)


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return worker_input(config) is not None


def is_controller(config: pytest.Config) -> bool:
    """Return whether this process is the controlling one of pytest-xdist."""
    return not is_worker(config) and bool(getattr(config.option, "tx", None)) and config.option.dist != "no"
