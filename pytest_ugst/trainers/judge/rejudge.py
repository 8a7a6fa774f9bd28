"""Judging of recorded conversations by another judge: how a distilled judge is compared with its teacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.engine.judging import judge_conversation
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.runs.run import StoredRun
from pytest_ugst.utils.concurrency import bounded_gather

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver


def judge_again(
    episodes: Sequence[Episode],
    settings: Options,
    registry: Registry,
    folder: Path,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> StoredRun:
    """Have recorded conversations judged by the judge of ``settings``, into a run of their own.

    Args:
        episodes: Recorded episodes.
        settings: The options that name the judge, and say what checks do beside it.
        registry: The names that it may have.
        folder: The new run's folder.
        on_progress: Called after each episode with the number of episodes that are done, and of all.

    Raises:
        UsageError: For what the user has to mend.
        UgstError: If the judge can't be reached at all.
    """
    run = StoredRun(folder)

    async def work(resolver: RoleResolver) -> StoredRun:
        run.create(resolver.config())
        run.journal.refresh()

        async def judge(episode: Episode) -> None:
            if episode.id not in run.journal:
                run.journal.append(await _judged(episode, resolver))

        await bounded_gather(episodes, judge, settings.concurrency, on_progress)
        return run

    return run_with_models(settings, registry, ("judge",), work, kind="train")


async def _judged(episode: Episode, resolver: RoleResolver) -> Episode:
    """Return an episode with the verdicts of another judge."""
    judged = await judge_conversation(episode.components, episode.conversation, resolver.judge, resolver.checks)
    setting = episode.setting.model_copy(update={"judge": resolver.settings.judge, "checks": resolver.checks.mode})
    return episode.model_copy(update={**judged._asdict(), "setting": setting})
