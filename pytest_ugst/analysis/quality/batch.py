"""Rate many conversations outside of a test run, with the models and the cache that a test run would use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ugst.analysis.quality.entries import add_ratings, sample_positions
from pytest_ugst.analysis.quality.ratings import Aspect, Rating, rate
from pytest_ugst.core.errors import UsageError
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.utils.concurrency import bounded_gather
from pytest_ugst.utils.progress import counting

if TYPE_CHECKING:
    from pytest_ugst.analysis.quality.entries import QualityEntry
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.conversation import Conversation
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver

_ROLES = ("judge",)


def rate_entries(
    entries: Sequence[QualityEntry], settings: Options, registry: Registry, *, sample: int | None = None
) -> None:
    """Rate the conversations of simulators, and fill the ratings in.

    Args:
        entries: The simulators.
        settings: Name the model, the prompts and the cache.
        registry: The names that are no models.
        sample: The most conversations of each simulator that are rated; None rates all.

    Raises:
        UsageError: If the judge is no model, or its name, key or address is wrong.
        UgstError: If it can't be reached at all.
    """
    chosen = [(entry, position) for entry in entries for position in sample_positions(entry.conversations, sample)]
    conversations = [entry.conversations[position] for entry, position in chosen]
    texts = [(one.goal_text, one.conversation) for one in conversations]
    for aspect, ratings in rate_all(texts, settings, registry).items():
        for entry in entries:
            own = {
                position: rating for (other, position), rating in zip(chosen, ratings, strict=True) if other is entry
            }
            add_ratings(entry, aspect.value, own)


def rate_all(
    conversations: Sequence[tuple[str, Conversation]], settings: Options, registry: Registry
) -> dict[Aspect, list[Rating]]:
    """Rate all aspects of conversations with the model that ``settings.judge`` names; a server is started if needed.

    Args:
        conversations: Each with the text of its user's goal.
        settings: Name the model, the prompts and the cache.
        registry: The names that are no models.

    Returns:
        By aspect, one rating per conversation in their order.

    Raises:
        UsageError: If the judge is no model, or its name, key or address is wrong.
        UgstError: If it can't be reached at all.
    """
    if settings.judge.partition(":")[0] in registry.judges:
        raise UsageError(f"--judge={settings.judge}: only a model can rate; name one as for --ugst-judge")

    async def work(resolver: RoleResolver) -> dict[Aspect, list[Rating]]:
        chat = resolver.chat(settings.judge, "judge")

        async def one(item: tuple[Aspect, str, Conversation]) -> Rating:
            aspect, goal, conversation = item
            return await rate(chat, resolver.prompts, aspect, goal, conversation)

        ratings = await bounded_gather(
            [(aspect, goal, conversation) for aspect in Aspect for goal, conversation in conversations],
            one,
            settings.concurrency,
            on_progress,
        )
        count = len(conversations)
        return {aspect: ratings[number * count : (number + 1) * count] for number, aspect in enumerate(Aspect)}

    with counting("ratings") as on_progress:
        return run_with_models(settings, registry, _ROLES, work, kind="rate")
