"""The agenda of a rule-based user: a stack of dialogue acts, the subgoals still to bring up, and the current one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import SUCCESS
from pytest_ugst.simulators.agenda.user_goal import Slots, Subgoal

PATIENCE: Final = 2
"""How often the user says something again before giving a subgoal up."""

ActKind = Literal["open", "inform", "request", "affirm", "negate", "aside"]
"""The kind of a dialogue act; an ``aside`` does not fill a message, and the next act is said with it."""


@dataclass(slots=True)
class DialogueAct:
    """A dialogue act of the user, in words."""

    kind: ActKind
    text: str


@dataclass(slots=True)
class SubgoalProgress:
    """The progress made with the current subgoal."""

    informed: set[str] = field(default_factory=set)
    """Slots the agent has been told."""
    agent_text: str = ""
    """The agent's words about the place or train it found."""
    found: bool = False
    booked: bool = False
    repetitions: int = 0
    """How often something had to be said again."""
    requested: dict[str, int] = field(default_factory=dict)
    """How often each fact was asked for."""
    tried: set[str] = field(default_factory=set)
    """Reactions that are shown once only, such as ways out of a refusal."""


class Agenda:
    """A stack of dialogue acts to say, and the subgoals that are left.

    Attributes:
        pending: Subgoals not brought up yet, the next one first.
        subgoal: The current subgoal; None between two of them.
        progress: The progress made with the current subgoal, or with the last one.
    """

    def __init__(self, subgoals: Iterable[Subgoal]) -> None:
        """Start with every subgoal pending.

        Args:
            subgoals: The goal's subgoals, in the order in which to bring them up.
        """
        self.pending = list(subgoals)
        self.subgoal: Subgoal | None = None
        self.progress = SubgoalProgress()
        self._acts: list[DialogueAct] = []
        """The stack, top last."""

    @property
    def top(self) -> DialogueAct | None:
        """The act to say next; None for an empty stack."""
        return self._acts[-1] if self._acts else None

    def push(self, kind: ActKind, text: str) -> None:
        """Put a dialogue act on top of the stack."""
        self._acts.append(DialogueAct(kind, text))

    def pop(self) -> DialogueAct:
        """Take the topmost act off the stack."""
        return self._acts.pop()

    def start_next(self, state: GoalState | None) -> Subgoal | None:
        """Make the next pending subgoal the current one, and return it; None if there is none left.

        Args:
            state: The goal state, where the run steers by it: subgoals that are successful already are left out.
        """
        while self.pending:
            subgoal = self.pending.pop(0)
            if state is not None and is_successful(subgoal, state):
                continue
            self.start(subgoal)
            return subgoal
        return None

    def start(self, subgoal: Subgoal) -> None:
        """Make a subgoal the current one, with no progress made yet."""
        self.subgoal, self.progress = subgoal, SubgoalProgress()

    def close(self) -> Subgoal | None:
        """Leave the current subgoal, and return it."""
        subgoal, self.subgoal = self.subgoal, None
        return subgoal

    def reopen(self, subgoal: Subgoal) -> None:
        """Make a subgoal that was just left the current one again; its progress is kept, and patience is restored."""
        self.subgoal, self.progress.repetitions = subgoal, 0

    def uninformed(self, slots: Slots) -> Slots:
        """Return those of the slots the agent has not been told."""
        return {name: value for name, value in slots.items() if name not in self.progress.informed}

    def count_repetition(self) -> bool:
        """Count that something has to be said again; return whether patience lasts."""
        self.progress.repetitions += 1
        return self.progress.repetitions <= PATIENCE

    def count_request(self, fact: str) -> None:
        """Count that a fact is asked for."""
        self.progress.requested[fact] = self.progress.requested.get(fact, 0) + 1

    def may_request(self, fact: str) -> bool:
        """Return whether a fact may be asked for (again)."""
        return self.progress.requested.get(fact, 0) < PATIENCE


def is_successful(subgoal: Subgoal, state: GoalState) -> bool:
    """Return whether the goal state counts a subgoal's objective and all its parts as success."""
    statuses = {s.component.id: s.status for s in state}
    return all(statuses.get(part) in SUCCESS for part in (subgoal.objective, *subgoal.parts))


def has_successful_parts(subgoal: Subgoal, state: GoalState) -> bool:
    """Return whether the goal state counts all requirements and preferences of a subgoal as success."""
    statuses = {s.component.id: s.status for s in state}
    return all(statuses.get(part) in SUCCESS for part in subgoal.parts)
