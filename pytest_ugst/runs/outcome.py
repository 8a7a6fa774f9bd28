"""The outcomes of episodes: small records that are all that tables, gates and comparisons count."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Category


class Count(NamedTuple):
    """The numbers of sub-components of one category in one episode."""

    total: int = 0
    successes: int = 0
    errors: int = 0


class Tally(Frozen):
    """The numbers of one episode that success rates are computed from."""

    goal: str
    """The goal's id; episodes of the same goal are one cluster."""
    trial: int = 1
    counts: dict[Category, Count] = Field(default_factory=dict)
    """The counts by category; categories that do not occur are left out."""
    measured: bool = True
    """False for an episode that could not be played, or whose goal could not be decomposed: it has nothing to count,
    and tables report it."""


class EpisodeOutcome(Frozen):
    """The outcome of one episode: a small record with all that tables and comparisons of runs need."""

    id: str
    """The episode's id."""
    tally: Tally
    succeeded: bool
    """True if every sub-component counts as success."""
    statuses: dict[str, str] = Field(default_factory=dict)
    """The final status by sub-component id; ``ERROR`` where no verdict can be trusted."""
    stop: StopReason | None = None
    turns: int = 0
    error: SafeText | None = None
    """The reason for which the conversation broke off, or the episode could not be played at all."""
    seconds: float = 0.0
    task: dict[str, float] = Field(default_factory=dict)
    """The scores of the agent's own work."""


def tally(episode: Episode) -> Tally:
    """Count the sub-components of an episode."""
    counts: dict[Category, Count] = {}
    for state in episode.final_state:
        old = counts.get(state.category, Count())
        counts[state.category] = Count(
            old.total + 1, old.successes + state.succeeded, old.errors + (state.error is not None)
        )
    return Tally(
        goal=episode.goal.id,
        trial=episode.trial,
        counts=counts,
        measured=bool(episode.components),
    )


def episode_outcome(episode: Episode) -> EpisodeOutcome:
    """Return the outcome of an episode."""
    state = episode.final_state
    return EpisodeOutcome(
        id=episode.id,
        tally=tally(episode),
        succeeded=episode.succeeded,
        statuses={s.component.id: s.label for s in state},
        stop=episode.conversation.stop,
        turns=len(episode.conversation.turns),
        error=episode.broken_off,
        seconds=episode.seconds,
        task=episode.task,
    )


def unplayed_outcome(episode_id: str, goal_id: str, trial: int, error: str) -> EpisodeOutcome:
    """Return the outcome of an episode that could not be played, such as one whose goal could not be decomposed."""
    return EpisodeOutcome(
        id=episode_id, tally=Tally(goal=goal_id, trial=trial, measured=False), succeeded=False, error=error
    )
