"""Play of goals outside of a test run, into a run's folder: the conversations that training data is built from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.engine.batch import run_episodes
from pytest_ugst.engine.spec import cases, make_specs
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.roles.capabilities import require_capabilities
from pytest_ugst.runs.run import StoredRun

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver

ROLES = ("simulator", "agent", "judge")


def play_goals(
    goals: Sequence[Goal],
    settings: Options,
    registry: Registry,
    folder: Path,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> StoredRun:
    """Play every goal ``settings.trials`` times; what the folder's journal holds already is not played again.

    Args:
        goals: The goals to play.
        settings: The roles, trials and seed.
        registry: The names that the roles may have.
        folder: The run's folder; made if need be.
        on_progress: Called after each episode with the number of episodes that are done, and of all.

    Returns:
        The run; its ``failures`` give the reasons of what could not be played.

    Raises:
        UsageError: For what the user has to mend, or if the folder holds a run with other settings.
        UgstError: If a model can't be reached at all.
    """
    run = StoredRun(folder)

    async def work(resolver: RoleResolver) -> StoredRun:
        config = resolver.config()
        listed = list(cases(goals, settings.trials, settings.max_turns))
        require_capabilities(listed, resolver)
        run.create(config)
        await run_episodes(run, make_specs(listed, config), resolver.role_set(), settings.concurrency, on_progress)
        return run

    return run_with_models(settings, registry, ROLES, work, kind="train")
