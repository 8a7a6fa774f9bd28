"""How far a rule-based user has come with its errands."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import SUCCESS
from pytest_ugst.simulators.agenda.user_goal import Subgoal


@dataclass(slots=True)
class Act:
    """One thing to say."""

    kind: str
    text: str


@dataclass(slots=True)
class SubgoalProgress:
    """How far the errand at hand has come."""

    told: set[str] = field(default_factory=set)
    """Slots the agent has heard."""
    heard: str = ""
    """What the agent said of the place or train it found."""
    found: bool = False
    booked: bool = False
    again: int = 0
    """How often something had to be said again."""
    asked: dict[str, int] = field(default_factory=dict)
    """How often each fact was asked for."""
    tried: set[str] = field(default_factory=set)
    """Which ways out of a refusal were tried."""


def done(errand: Subgoal, state: GoalState) -> bool:
    """Whether the goal state counts an errand and all its parts as success."""
    known = {s.component.id: s.status for s in state}
    return all(known.get(part) in SUCCESS for part in (errand.objective, *errand.parts))


def kept(errand: Subgoal, state: GoalState) -> bool:
    """Whether the goal state counts all requirements and preferences of an errand as success."""
    known = {s.component.id: s.status for s in state}
    return all(known.get(part) in SUCCESS for part in errand.parts)
