"""Roles that functions play, and what to play with them, for tests of the engine and of rewards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import AgentTurn, Judge, Session, UserTurn
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet, episode_id
from pytest_ugst.judges.checks import ChecksJudge
from tests.factories import ENDED, complete, make_goal, make_setting, objective, verdict

END = UserTurn("", stop=StopReason.USER_ENDED, closing=ENDED)

Speak = Callable[[Conversation, GoalState | None], Awaitable[UserTurn]]
Answer = Callable[[Conversation, Session], Awaitable[AgentTurn]]
Judging = Callable[[Sequence[Component], Conversation, int], Awaitable[Sequence[Verdict]]]


@dataclass
class Users:
    """Simulators that one function plays; the first argument is the goal."""

    speak: Callable[[Goal, Conversation, GoalState | None], Awaitable[UserTurn]]
    name: str = "users"

    def start(self, goal: Goal, seed: int, max_turns: int) -> User:
        return User(self, goal)


@dataclass
class User:
    """One of those simulators, for one goal."""

    users: Users
    goal: Goal

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        return await self.users.speak(self.goal, conversation, state)


@dataclass
class Agents:
    """An agent that one function plays."""

    answer: Answer
    name: str = "agents"

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        return await self.answer(conversation, session)


@dataclass
class Judges:
    """A judge that one function plays."""

    say: Judging
    name: str = "judges"

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        return await self.say(components, conversation, turn)


@dataclass
class FirstStatus:
    """A judge that says nothing has changed, and remembers what it was asked."""

    name: str = "judges"
    asked: list[tuple[int, list[str]]] = field(default_factory=list)

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        self.asked.append((turn, [c.id for c in components]))
        return [verdict(c.id, turn, "INCOMPLETE") for c in components]


def short_goal(id: str = "g", *, domain: str | None = None) -> Goal:
    """Return a goal that is complete after the first turn of :func:`speaks`."""
    return make_goal(id, objective("t", complete("turn 1")), domain=domain)


def make_spec(goal: Goal | None = None, *, trial: int = 1, max_turns: int = 10, steer: str = "none") -> EpisodeSpec:
    """Return the specification of an episode, of a short goal if none is given."""
    goal = goal or short_goal()
    return EpisodeSpec(episode_id(goal.id, trial), goal, trial, make_setting(steer=steer), max_turns)


def speaks(turns: int) -> Speak:
    """Return a user who says ``turn 1`` to ``turn N`` and then ends the conversation by a message of its own."""

    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        said = len(conversation.turns)
        return UserTurn(f"turn {said + 1}") if said < turns else END

    return speak


async def agrees(conversation: Conversation, session: Session) -> AgentTurn:
    """Answer as the agent, with the user's words."""
    return AgentTurn(f"yes, {conversation.turns[-1].user}")


def make_roles(speak: Speak | None = None, answer: Answer = agrees, judge: Judge | None = None, **more: Any) -> RoleSet:
    """Return roles for goals without a domain; by default a user of two turns and an agent who agrees."""
    said = speak or speaks(2)

    async def by_goal(goal: Goal, conversation: Conversation, state: GoalState | None) -> UserTurn:
        return await said(conversation, state)

    def no_domain(name: str) -> Any:
        raise AssertionError(name)

    return RoleSet(Users(by_goal), Agents(answer), judge or FirstStatus(), ChecksJudge(), no_domain, **more)


def journaled(folder: Path) -> list[Episode]:
    """Return every line of a run's journal, also where several are of one episode."""
    lines = (folder / "episodes.jsonl").read_bytes().splitlines()
    return [Episode.model_validate_json(line) for line in lines]
