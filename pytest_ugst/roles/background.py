"""Roles beside a trainer: judges and agents whose event loop runs in a background thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.roles.capabilities import missing_capabilities, missing_for_judging
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.utils.daemon_executor import DaemonThreadExecutor

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry

T = TypeVar("T")
_TRAIN_OPTIONS: Mapping[str, str] = {"simulator": "--sim", "agent": "--agent", "judge": "--judge"}


class BackgroundRoles:
    """A role resolver in use, as a context manager.

    On entry keys and addresses are checked, servers started, and every model asked whether it is there; all before the
    first step of a training.
    """

    def __init__(self, settings: Options, registry: Registry, roles: Sequence[str], folder: Path) -> None:
        """Start nothing yet.

        Args:
            settings: The options that name the models.
            registry: The names that they may use.
            roles: Those of ``agent`` and ``judge`` that are needed.
            folder: Where servers keep their logs.
        """
        models = ModelManager(
            settings, registry.roles(), folder, notify=lambda line: print(f"ugst: {line}", flush=True)
        )
        self.resolver = RoleResolver(settings, registry, models)
        self._roles = tuple(roles)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="ugst-judges", daemon=True)

    def __enter__(self) -> BackgroundRoles:
        """Check, start servers and the loop.

        Raises:
            UsageError: For what the user has to mend.
            UgstError: If a model can't be reached at all.
        """
        try:
            self.resolver.require(self._roles)
            if int(os.environ.get("WORLD_SIZE", "1")) == 1:
                self.resolver.start_servers(self._roles)
            # Each of several training processes would start servers of its own: there, what has no address is an error.
            self._thread.start()
            self.run(self.resolver.preflight(self._roles))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the loop and the servers."""
        self._close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, and wait for its result.

        Raises:
            KeyboardInterrupt: On Ctrl-C; the work is cancelled.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def check_goals(self, goals: Iterable[Goal], *, agent: bool) -> None:
        """Make sure that every goal can be judged, and answered by the agent if one is needed.

        Raises:
            UsageError: Naming the goal and the remedy.
        """
        for goal in goals:
            if not goal.components:
                raise UsageError(f"goal {goal.id!r} of the training data has no sub-components; make the data anew")
            self.resolver.checks.validate(goal)
            if agent:
                lacking = missing_capabilities(goal, 0, self.resolver, {"simulator"}, _TRAIN_OPTIONS)
            else:
                lacking = missing_for_judging(goal, self.resolver, _TRAIN_OPTIONS)
            if lacking:
                raise UsageError(lacking[0].message)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_default_executor(DaemonThreadExecutor())
        self._loop.run_forever()

    def _close(self) -> None:
        try:
            if self._thread.is_alive():
                self.run(self.resolver.models.close())
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(10)
            if not self._loop.is_running():
                self._loop.close()
        finally:
            self.resolver.models.stop_servers()
