"""Classify many episodes with a model outside of a test run, with the models and the cache that one would use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pytest_ugst.analysis.failures.episodes import ClassifiedRuns, EpisodeFailures, episode_failures
from pytest_ugst.analysis.failures.llm import judge_failures
from pytest_ugst.analysis.failures.patterns import classify, merge, unsettled
from pytest_ugst.core.chat import ChatError, ChatUnavailableError
from pytest_ugst.core.errors import UsageError
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.utils.concurrency import bounded_gather
from pytest_ugst.utils.progress import counting

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.prompts.loader import Prompts
    from pytest_ugst.roles.resolver import RoleResolver
    from pytest_ugst.runs.run import StoredRun

_ROLES = ("judge",)


def classify_all(runs: Mapping[str, StoredRun], settings: Options, registry: Registry) -> ClassifiedRuns:
    """Classify the episodes of runs, asking the model that ``settings.judge`` names where rules can only guess.

    A server is started for the model if needed.

    Args:
        runs: By name.
        settings: Name the model, the prompts and the cache.
        registry: The names that are no models.

    Raises:
        UsageError: If the judge is no model, or its name, key or address is wrong.
        UgstError: If it can't be reached at all.
    """
    if settings.judge.partition(":")[0] in registry.judges:
        raise UsageError(f"--judge={settings.judge}: only a model can be asked; leave it out to go by the rules alone")
    with counting("episodes classified") as on_progress:

        async def work(resolver: RoleResolver) -> ClassifiedRuns:
            return await _classify(runs, settings, resolver, on_progress)

        return run_with_models(settings, registry, _ROLES, work, kind="failures")


async def _classify(
    runs: Mapping[str, StoredRun],
    settings: Options,
    resolver: RoleResolver,
    on_progress: Callable[[int, int], None],
) -> ClassifiedRuns:
    chat = resolver.chat(settings.judge, "judge")
    result = ClassifiedRuns()
    for name, run in runs.items():

        async def one(episode_id: str, run: StoredRun = run) -> EpisodeFailures:
            return await _classify_one(run.journal.get(episode_id), chat, resolver.prompts, result.errors)

        result.episodes[name] = await bounded_gather(run.journal.ids(), one, settings.concurrency, on_progress)
    return result


async def _classify_one(episode: Episode, chat: Chat, prompts: Prompts, errors: list[str]) -> EpisodeFailures:
    failures = classify(episode)
    components = unsettled(episode, failures)
    if components:
        try:
            judged = await judge_failures(chat, prompts, episode, components, tools=episode.setting.judge_sees_tools)
            failures = merge(failures, judged)
        except ChatUnavailableError:
            raise
        except ChatError as error:
            errors.append(f"{episode.id}: by rule only: {error}")
    return episode_failures(episode, failures)
