"""Judges and agents for a trainer: a casting whose event loop runs beside the training."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.utils.daemon_executor import DaemonThreadExecutor

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry

T = TypeVar("T")


class BackgroundRoles:
    """A casting in use, as a context manager: on entry keys and addresses are checked, servers started, and every
    model asked whether it is there; all before a first step is trained."""

    def __init__(self, settings: Options, registry: Registry, roles: Sequence[str], folder: Path) -> None:
        """Nothing is started yet.

        Args:
            settings: Which name the models.
            registry: The names they may use.
            roles: Those of ``agent`` and ``judge`` that are needed.
            folder: Where servers keep their logs.
        """
        models = ModelManager(settings, registry.roles(), folder, say=lambda line: print(f"ugst: {line}", flush=True))
        self.resolver = RoleResolver(settings, registry, models)
        self._roles = tuple(roles)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._turn, name="ugst-judges", daemon=True)

    def __enter__(self) -> BackgroundRoles:
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
        self._close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work on the loop, and wait for it.

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
        resolver = self.resolver
        for goal in goals:
            resolver.checks.validate(goal)
            bare = [c.id for c in goal.components or () if c.check is None]
            if not goal.components:
                raise UsageError(f"goal {goal.id!r} of the training data has no sub-components; make the data anew")
            if bare and resolver.settings.judge == CHECKS:
                raise UsageError(
                    f"goal {goal.id!r}: no check on {', '.join(bare[:3])}; set --judge to a model, or train on goals "
                    "whose sub-components all carry one"
                )
            if agent and goal.domain is not None:
                session = resolver.domain(goal.domain).open(goal, 0)
                if not resolver.is_model("agent") and (require := getattr(resolver.agent, "require", None)) is not None:
                    require(session)

    def _turn(self) -> None:
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
