"""What came of an episode: small records that tables, gates and comparisons count with."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Category


class Count(NamedTuple):
    """Sub-components of one category in one episode."""

    total: int = 0
    successes: int = 0
    errors: int = 0


class Tally(Frozen):
    """What the rates need to know of one episode: small, so that thousands fit in memory."""

    goal: str
    """The goal's id; what has the same id is one cluster."""
    trial: int = 1
    counts: dict[Category, Count] = Field(default_factory=dict)
    """Categories that do not occur are left out."""
    measured: bool = True
    """False for an episode that could not be played, or whose goal could not be cut into sub-components: nothing is
    there to count, and that must show."""


class EpisodeOutcome(Frozen):
    """What came of one episode: small, and enough for tables and for comparing runs goal by goal."""

    id: str
    """The episode's id."""
    tally: Tally
    succeeded: bool
    """Whether every sub-component counts as success."""
    statuses: dict[str, str] = Field(default_factory=dict)
    """By sub-component id; ``ERROR`` where no verdict can be trusted."""
    stop: StopReason | None = None
    turns: int = 0
    error: SafeText | None = None
    """Why the conversation broke off, or why the episode could not be played at all."""
    seconds: float = 0.0
    task: dict[str, float] = Field(default_factory=dict)
    """Scores of the agent's own work."""


def tally(episode: Episode) -> Tally:
    """Count an episode's sub-components."""
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
    """An episode's outcome."""
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


def not_played(episode_id: str, goal_id: str, trial: int, error: str) -> EpisodeOutcome:
    """The outcome of an episode that could not be played at all, such as one whose goal could not be decomposed."""
    return EpisodeOutcome(
        id=episode_id, tally=Tally(goal=goal_id, trial=trial, measured=False), succeeded=False, error=error
    )
