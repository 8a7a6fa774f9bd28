"""Rating many conversations outside of a test run, with the models and the cache that a test run would use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ugst.analysis.quality.ratings import Aspect, Rating, rate
from pytest_ugst.core.errors import UsageError
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.utils.progress import ProgressLine

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.conversation import Conversation
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver

_ROLES = ("judge",)


def rate_all(
    conversations: Sequence[tuple[str, Conversation]], settings: Options, registry: Registry
) -> dict[Aspect, list[Rating]]:
    """Rate all aspects of conversations with the model that ``settings.judge`` names; a server is started if needed.

    Args:
        conversations: Each with the text of its user's goal.
        settings: Name the model and the cache.
        registry: The names that are no models.

    Returns:
        By aspect, one rating per conversation in their order.

    Raises:
        UsageError: If the judge is no model, or its name, key or address is wrong.
        UgstError: If it can't be reached at all.
    """
    if settings.judge.partition(":")[0] in registry.judges:
        raise UsageError(f"--judge={settings.judge}: only a model can rate; name one as for --ugst-judge")
    progress = ProgressLine()

    async def work(resolver: RoleResolver) -> dict[Aspect, list[Rating]]:
        slots = asyncio.Semaphore(settings.concurrency)
        chat = resolver.chat(settings.judge, "judge")
        done = 0

        async def one(aspect: Aspect, goal: str, conversation: Conversation) -> Rating:
            nonlocal done
            async with slots:
                rating = await rate(chat, resolver.prompts, aspect, goal, conversation)
            done += 1
            progress.show(f"{done}/{len(Aspect) * len(conversations)} ratings")
            return rating

        async with asyncio.TaskGroup() as group:
            tasks = {
                aspect: [group.create_task(one(aspect, goal, said)) for goal, said in conversations]
                for aspect in Aspect
            }
        return {aspect: [task.result() for task in made] for aspect, made in tasks.items()}

    try:
        return run_with_models(settings, registry, _ROLES, work, kind="rate")
    finally:
        progress.clear()
