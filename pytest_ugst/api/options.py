"""Options of the public functions: those of the plugin that concern playing and judging, by their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.roles.batch import builtin_registry, settings_here

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.registry import Registry

Register = Callable[["Registry"], None]
"""A function like the hook ``pytest_ugst_register``: it registers what is not built in."""


class PlayOptions(TypedDict, total=False):
    """Options with the names and meanings of the ``--ugst-...`` options, ``_`` standing for ``-``."""

    decomposer: str
    steer: Literal["none", "goal", "state"]
    reasoning: bool
    trials: int
    max_turns: int
    tool_rounds: int
    judge_tools: Literal["on", "off"]
    checks: Literal["auto", "decide", "beside", "off"]
    concurrency: int
    seed: int
    cache: Literal["off", "read", "on", "refresh"]
    dir: str
    data: str
    prompts: str


def make_options(given: Mapping[str, Any], **roles: Any) -> Options:
    """Return validated options, with the model aliases of the current folder's ``pyproject.toml``.

    Args:
        given: The options of a call.
        roles: By option name, the values of roles; only names count, objects leave the default.

    Raises:
        UsageError: For an unknown option or a wrong value.
    """
    known = PlayOptions.__annotations__
    for name in given:
        if name not in known:
            raise UsageError(unknown("option", name, known))
    paths = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    names = {option: value for option, value in roles.items() if isinstance(value, str)}
    settings = settings_here(**paths, **names)
    if settings.data_dir is not None and not settings.data_dir.is_dir():
        raise UsageError(f"data={settings.data!r}: there is no such folder; name one that holds the data")
    return settings


def listed_tags(tags: str | Collection[str]) -> Collection[str]:
    """Return tags as a collection; a string is one tag."""
    return (tags,) if isinstance(tags, str) else tags


def make_registry(settings: Options, register: Register | None) -> Registry:
    """Return a registry of the built-ins and of what ``register`` adds."""
    registry = builtin_registry(settings.data_dir)
    if register is not None:
        register(registry)
    return registry
