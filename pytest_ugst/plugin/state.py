"""What the plugin keeps on pytest's config: one session's runtime, its terminal, and its processes under xdist.

Imported in every pytest run of an environment that has us installed, so it imports nothing heavy.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_ugst.config.options import OPTIONS
from pytest_ugst.plugin.fixtures import RUNTIME

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.plugin.session import Runtime
    from pytest_ugst.plugin.terminal import Terminal


class XdistSession(NamedTuple):
    """What all processes of one session have to agree on."""

    id: str
    run: str
    """The run's name, or its folder where one is resumed."""
    begun: str
    baseline: str = ""
    """What is compared with, as JSON."""


SESSION: pytest.StashKey[XdistSession] = pytest.StashKey()
"""Under pytest-xdist, in the controlling process."""
TERMINAL: pytest.StashKey[Terminal] = pytest.StashKey()


class LazyRuntime:
    """Stands in for the runtime until something of it is asked for."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(make_runtime(self._config), name)


def made_runtime(config: pytest.Config) -> Runtime | None:
    """The session's runtime, if anything needed one so far."""
    runtime: Any = config.stash.get(RUNTIME, None)
    return None if isinstance(runtime, LazyRuntime) else runtime


def make_runtime(config: pytest.Config) -> Runtime:
    """The session's runtime, made at the first call."""
    made = made_runtime(config)
    if made is not None:
        return made
    from pytest_ugst.plugin.session import Runtime
    from pytest_ugst.roles import builtins

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
            "stop_note": note(given["ugst_session"], "stop"),
            "begun": given["ugst_begun"],
            "baseline": given["ugst_baseline"],
        }
    else:
        known = config.stash.get(SESSION, None)
        more = {"run_name": known.run, "begun": known.begun, "baseline": known.baseline} if known else {}
    made = config.stash[RUNTIME] = Runtime(lambda: read_settings(config), register, finished, **more)
    return made


def read_settings(config: pytest.Config) -> Options:
    """The options from the command line, else from the ini file, else their defaults.

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
    """What we print on the terminal."""
    if TERMINAL not in config.stash:
        from pytest_ugst.plugin.terminal import Terminal

        config.stash[TERMINAL] = Terminal(config)
        config.pluginmanager.register(config.stash[TERMINAL], "ugst-terminal")
    return config.stash[TERMINAL]


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    return not is_worker(config) and bool(getattr(config.option, "tx", None)) and config.option.dist != "no"


def planned_by_workers(config: pytest.Config) -> tuple[str, ...] | None:
    """The ids of the episodes that the workers of this session have set out to play; None if they have not."""
    text = take_note(config, "planned")
    return tuple(json.loads(text)) if text else None


def note(session: str, kind: str) -> Path:
    """Where processes of one session leave a note for each other, which xdist has no way for.

    A worker's usage error would not reach the controlling process whole; that the session is to stop would not reach
    the workers.
    """
    return Path(tempfile.gettempdir()) / f"ugst-{session}.{kind}"


def take_note(config: pytest.Config, kind: str) -> str:
    """What a worker of this session noted, once; empty where it noted nothing."""
    session = config.stash.get(SESSION, None)
    if session is None:
        return ""
    path = note(session.id, kind)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    path.unlink(missing_ok=True)
    return text
