"""Playing goals outside of a test run, into a journal: what training data is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec, cases, episode_id
from pytest_ugst.llm.usage_meter import begin_episode
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.runs.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

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
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Play every goal ``settings.trials`` times; what the folder's journal holds already is not played again.

    Args:
        goals: What to play.
        settings: Who plays, how often, with which seed.
        registry: The names they may have.
        folder: Of the run; made if need be.
        told: Called with the number of episodes done, and of all.

    Returns:
        The run; :attr:`Run.failures` says what could not be played.

    Raises:
        UsageError: For what the user has to mend, or if the folder holds a run with other settings.
        UgstError: If a model can't be reached at all.
    """
    run = Run(folder)

    async def work(resolver: RoleResolver) -> Run:
        setting = resolver.setting()
        listed = list(cases(goals, settings.trials, settings.max_turns))
        resolver.check_goals(listed)
        run.create(setting)
        run.journal.refresh()
        plans = [EpisodeSpec(c.id, c.goal, c.trial, setting, c.max_turns) for c in listed if c.goal is not None]
        cast = resolver.cast()
        slots = asyncio.Semaphore(settings.concurrency)
        done = 0

        async def one(plan: EpisodeSpec) -> None:
            nonlocal done
            async with slots:
                if plan.id not in run.journal:
                    meter = begin_episode(f"{setting.seed}.{plan.trial}")
                    try:
                        episode = await run_episode(plan, cast)
                        run.journal.append(episode.model_copy(update={"usage": meter.by_role()}))
                    except (ChatUnavailableError, UsageError):
                        raise
                    except UgstError as error:
                        run.failures[plan.id] = str(error)
                done += 1
                told(done, len(plans))

        async with asyncio.TaskGroup() as group:
            for plan in plans:
                group.create_task(one(plan))
        run.selected = tuple(episode_id(plan.goal.id, plan.trial) for plan in plans)
        return run

    return run_with_models(settings, registry, ROLES, work, kind="train")
