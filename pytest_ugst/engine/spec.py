"""The specification of what is played: cases of goals, an episode, and its roles."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode, EpisodeConfig
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.protocols import Agent, Domain, Judge, SimulatorFactory
    from pytest_ugst.judges.checks import ChecksJudge


@dataclass(frozen=True, slots=True)
class RoleSet:
    """The roles of an episode: one simulator, one agent, and those who keep track of the goal."""

    simulator: SimulatorFactory
    agent: Agent
    judge: Judge
    checks: ChecksJudge
    domain: Callable[[str], Domain]
    """Returns a domain by name."""
    decompose: Callable[[Goal], Awaitable[Goal]] | None = None
    """Cuts a goal without components into sub-components; None if no model is there to do it."""


@dataclass(frozen=True, slots=True)
class EpisodeSpec:
    """An episode to play."""

    id: str
    goal: Goal
    trial: int
    """Number of the trial, from 1."""
    setting: EpisodeConfig
    max_turns: int

    @property
    def seed(self) -> int:
        """The episode's own seed: made from the run's seed, the goal and the trial, whatever else is played."""
        text = f"{self.setting.seed}|{self.goal.id}|{self.trial}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFF_FFFF


@dataclass(frozen=True, slots=True)
class GoalCase:
    """A goal to play, for the n-th time. Without a goal where a test brings its own by the fixture ``goal``."""

    goal: Goal | None
    trial: int
    """Number of the trial, from 1."""
    max_turns: int
    optional: bool = False
    """Whether it is skipped where the roles that the options name can't play it."""
    skip: bool = False
    """Whether it only stands for goals whose data is not on this machine."""

    @property
    def id(self) -> str:
        """The id as in the test's name."""
        return episode_id(self.goal.id if self.goal is not None else "own", self.trial)


def cases(goals: Iterable[Goal], trials: int, max_turns: int, optional: bool = False) -> Iterator[GoalCase]:
    """Yield every goal ``trials`` times.

    Args:
        goals: What to play.
        trials: How often, at least once.
        max_turns: Turns a conversation may take where the goal does not say.
        optional: Whether the cases are skipped where the named roles can't play them.
    """
    for goal in goals:
        for trial in range(1, trials + 1):
            yield GoalCase(goal, trial, goal.max_turns or max_turns, optional)


def make_specs(cases: Iterable[GoalCase], setting: EpisodeConfig) -> list[EpisodeSpec]:
    """Return the episodes of the cases that have a goal.

    Args:
        cases: What to play.
        setting: What all of them are played with.
    """
    return [EpisodeSpec(c.id, c.goal, c.trial, setting, c.max_turns) for c in cases if c.goal is not None]


def episode_id(goal_id: str, trial: int, roles_name: str = "") -> str:
    """Return ``GOAL`` for the first trial, ``GOAL@2`` for the second; a test's own roles are named behind a ``+``."""
    name = goal_id if trial == 1 else f"{goal_id}@{trial}"
    return f"{name}+{roles_name}" if roles_name else name


def goal_and_trial(name: str) -> tuple[str, int]:
    """Return what :func:`episode_id` was made of, without the roles; ids of goals hold neither ``@`` nor ``+``."""
    goal, _, rest = name.partition("+")[0].partition("@")
    return goal, int(rest) if rest.isdecimal() and len(rest) <= 6 else 1


def can_stand_for(episode: Episode, spec: EpisodeSpec) -> bool:
    """Return whether an episode of a resumed run can stand for one that is planned now.

    It can't if it broke off, lacks a verdict, or is of another version of the goal or of another turn limit.
    """
    whole = not episode.broken_off and not any(state.error for state in episode.final_state)
    there, here = episode.goal.model_dump(), spec.goal.model_dump()
    if here["components"] is None:  # they were a model's work
        del there["components"], here["components"]
    return whole and there == here and episode.max_turns == spec.max_turns
