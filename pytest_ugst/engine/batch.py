"""Many episodes in the caller's event loop: for work outside of a test run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UgstError
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet, can_stand_for
from pytest_ugst.runs.run import StoredRun
from pytest_ugst.utils.concurrency import bounded_gather


async def run_episodes(
    run: StoredRun,
    specs: Sequence[EpisodeSpec],
    roles: RoleSet,
    concurrency: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Play episodes into a run's journal, except those of which it holds one that will do.

    Args:
        run: The run, whose folder is there; its selection is set to these episodes, and its ``failures`` take the
            reasons of those that could not be played.
        specs: What to play.
        roles: Who plays.
        concurrency: Episodes played at once.
        on_progress: Called after each episode with the number of episodes that are done, and of all.

    Raises:
        BaseExceptionGroup: Of a ``ChatUnavailableError``, or of a ``UsageError`` where the journal can't be written: no
            other episode would fare better.
    """
    run.journal.refresh()

    async def play(spec: EpisodeSpec) -> None:
        if spec.id in run.journal:
            if can_stand_for(run.journal.get(spec.id), spec):
                return
            run.journal.forget(spec.id)
        await record(run, spec.id, run_episode(spec, roles))

    run.selected = tuple(spec.id for spec in specs)
    await bounded_gather(specs, play, concurrency, on_progress)


async def record(run: StoredRun, episode_id: str, playing: Awaitable[Episode]) -> None:
    """Await an episode into a run's journal, or the reason why there is none into its ``failures``.

    Args:
        run: The run, whose folder is there.
        episode_id: The episode's id.
        playing: Plays or judges the episode.

    Raises:
        ChatUnavailableError: If a model can't be reached at all: no other episode would fare better.
        UsageError: If the journal can't be written.
    """
    try:
        episode = await playing
    except ChatUnavailableError:
        raise
    except UgstError as error:
        run.failures[episode_id] = str(error)
    except Exception as error:  # anyone's role, check or domain: it costs its own episode
        run.failures[episode_id] = f"{type(error).__name__}: {error}"
    else:
        run.journal.append(episode)
