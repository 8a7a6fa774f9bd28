"""Work with models outside of a test run, with the aliases, the servers and the cache that a run would use."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ugst.config.data_dirs import DataDirs
from pytest_ugst.config.settings import Options, read_models
from pytest_ugst.core.errors import UgstError
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.runs.names import new_name

if TYPE_CHECKING:
    from pytest_ugst.core.registry import Registry

T = TypeVar("T")


def builtin_registry(data: Path | None = None) -> Registry:
    """Make a registry of what is shipped; no conftest.py is read outside of a test run.

    Args:
        data: A folder in which benchmark data is looked for first.
    """
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles import builtins

    registry = Registry(DataDirs(data))
    builtins.pytest_ugst_register(registry)
    return registry


def settings_here(**options: Any) -> Options:
    """Make options with the aliases of the current folder's ``pyproject.toml``.

    Args:
        options: By option name with ``_`` for ``-`` (``judge="qwen-72b"``); None leaves the default.

    Raises:
        UsageError: Naming the option or the file, and the remedy.
    """
    here = Path.cwd()
    models, path = read_models(here)
    return Options.make(here, options, models=models, models_path=path)


def run_with_models(
    settings: Options,
    registry: Registry,
    roles: Sequence[str],
    work: Callable[[RoleResolver], Awaitable[T]],
    *,
    kind: str,
) -> T:
    """Do some work with models: keys and addresses are checked, and servers started, before it begins.

    Args:
        settings: The options that name the models.
        registry: The names that they may use.
        roles: Those of ``simulator``, ``agent`` and ``judge`` that are needed; the decomposer comes with the judge.
        work: Called with the role resolver, whose ``chat(name, role)`` returns a model to talk to.
        kind: Names the folder under ``.ugst`` in which servers keep their logs.

    Raises:
        UsageError: If a model's name, key or address is wrong.
        UgstError: If one can't be reached at all.
    """
    resolver = make_resolver(settings, registry, kind)
    try:
        resolver.require(roles)
        resolver.start_servers(roles)
        return asyncio.run(work_with(resolver, roles, work))
    finally:
        resolver.models.stop_servers()


def make_resolver(settings: Options, registry: Registry, kind: str) -> RoleResolver:
    """Make a resolver outside of a test run; what takes long is reported on standard error.

    Args:
        settings: The options that name the roles.
        registry: The names that they may use.
        kind: Names the folder under ``.ugst`` in which servers keep their logs.
    """
    folder = settings.home / kind / new_name()
    models = ModelManager(
        settings, registry.roles(), folder, notify=lambda line: print(f"ugst: {line}", file=sys.stderr)
    )
    return RoleResolver(settings, registry, models)


async def work_with(resolver: RoleResolver, roles: Sequence[str], work: Callable[[RoleResolver], Awaitable[T]]) -> T:
    """Ask the models whether they are there, do the work, and close the connections.

    Args:
        resolver: With its servers started.
        roles: Those that are needed.
        work: Called with the resolver.

    Raises:
        UgstError: The first one, of several that concurrent work raised.
    """
    try:
        await resolver.preflight(roles)
        return await work(resolver)
    except BaseExceptionGroup as errors:  # of a task group: callers know single errors only
        ours, others = errors.split(UgstError)
        if ours is None or others is not None:
            raise
        raise _first(ours) from None
    finally:
        await resolver.models.close()


def _first(errors: BaseExceptionGroup[UgstError]) -> UgstError:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, UgstError)
    return error
