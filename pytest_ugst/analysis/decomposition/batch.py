"""Decomposing many goals outside of a test run, with the models and the cache that a test run would use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.domains.tau.reference_check import with_reference_check
from pytest_ugst.judges.decomposer import decompose
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.utils.progress import ProgressLine

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver

_ROLES = ("judge",)  # the decomposer comes with it


@dataclass(slots=True)
class Decomposed:
    """What came of it."""

    goals: list[Goal] = field(default_factory=list)
    """In the order in which they were given; those that failed are left out."""
    failures: dict[str, str] = field(default_factory=dict)
    """By goal id, why not."""


def decompose_all(goals: Sequence[Goal], settings: Options, registry: Registry) -> Decomposed:
    """Decompose goals with the model that ``settings.decomposer`` names; a server is started for it if needed.

    Raises:
        UsageError: If the model's name, key or address is wrong.
        UgstError: If it can't be reached at all.
    """
    progress = ProgressLine()

    async def work(resolver: RoleResolver) -> Decomposed:
        return await _decompose(goals, settings, resolver, progress)

    try:
        return run_with_models(settings, registry, _ROLES, work, kind="decompose")
    finally:
        progress.clear()


async def _decompose(
    goals: Sequence[Goal], settings: Options, resolver: RoleResolver, progress: ProgressLine
) -> Decomposed:
    slots = asyncio.Semaphore(settings.concurrency)
    chat = resolver.chat(settings.decomposer, "decomposer")
    failures: dict[str, str] = {}
    done = 0

    async def one(goal: Goal) -> Goal | None:
        nonlocal done
        try:
            async with slots:
                return _checked(await decompose(chat, goal, resolver.prompts), resolver)
        except (ChatUnavailableError, UsageError):
            raise
        except UgstError as error:
            failures[goal.id] = str(error)
            return None
        finally:
            done += 1
            progress.show(f"{done}/{len(goals)} goals decomposed")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(goal)) for goal in goals]
    return Decomposed([goal for task in tasks if (goal := task.result()) is not None], failures)


def _checked(goal: Goal, resolver: RoleResolver) -> Goal:
    try:
        return with_reference_check(goal, resolver.domain)
    except DataMissingError:
        return goal  # goals can be cut up where their database is not at hand
