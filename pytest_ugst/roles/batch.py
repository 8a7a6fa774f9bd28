"""Work with models outside of a test run, with the aliases, the servers and the cache that a run would use."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ugst.config.settings import Options, read_models
from pytest_ugst.core.errors import UgstError
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.runs.names import new_name

if TYPE_CHECKING:
    from pytest_ugst.core.registry import Registry

T = TypeVar("T")


def builtin_registry(data: Path | None = None) -> Registry:
    """Make a registry with what is shipped; no conftest.py is read outside of a test run.

    Args:
        data: A folder in which benchmark data is looked for first.
    """
    from pytest_ugst.config.data_dirs import DataDirs
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles import builtins

    registry = Registry(DataDirs(data))
    builtins.pytest_ugst_register(registry)
    return registry


def settings_here(**options: Any) -> Options:
    """Settings with the aliases of the current folder's ``pyproject.toml``.

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
        settings: Which name the models.
        registry: The names they may use.
        roles: Those of ``simulator``, ``agent`` and ``judge`` that are needed; the decomposer comes with the judge.
        work: Gets the casting, whose ``chat(name, role)`` gives a model to talk to.
        kind: Names the folder under ``.ugst`` in which servers keep their logs.

    Raises:
        UsageError: If a model's name, key or address is wrong.
        UgstError: If one can't be reached at all.
    """
    folder = settings.home / kind / new_name()
    models = ModelManager(settings, registry.roles(), folder, say=lambda line: print(f"ugst: {line}", file=sys.stderr))
    resolver = RoleResolver(settings, registry, models)

    async def run() -> T:
        try:
            await resolver.preflight(roles)
            return await work(resolver)
        except BaseExceptionGroup as errors:  # of a task group: whoever calls knows single errors only
            told, others = errors.split(UgstError)
            if told is None or others is not None:
                raise
            raise _first(told) from None
        finally:
            await models.close()

    try:
        resolver.require(roles)
        resolver.start_servers(roles)
        return asyncio.run(run())
    finally:
        models.stop_servers()


def _first(errors: BaseExceptionGroup[UgstError]) -> UgstError:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, UgstError)
    return error
