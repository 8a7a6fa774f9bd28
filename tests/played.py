"""Roles, goals and plans for tests that play episodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Closing, Conversation, StopReason
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import AgentTurn, Judge, Session, UserTurn
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet, episode_id
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.runs.journal import Journal

SETTING = EpisodeConfig(simulator="users", agent="agents", judge="judges")
END = UserTurn("", stop=StopReason.USER_ENDED, closing=Closing(text="TERMINATE", separate=True))

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
    users: Users
    goal: Goal

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        return await self.users.speak(self.goal, conversation, state)


@dataclass
class Agents:
    answer: Answer
    name: str = "agents"

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        return await self.answer(conversation, session)


@dataclass
class Judges:
    say: Judging
    name: str = "judges"

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        return await self.say(components, conversation, turn)


@dataclass
class FirstStatus:
    """Says nothing has changed, and remembers what it was asked."""

    name: str = "judges"
    asked: list[tuple[int, list[str]]] = field(default_factory=list)

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        self.asked.append((turn, [c.id for c in components]))
        return [verdict(c.id, turn, "INCOMPLETE") for c in components]


def verdict(component: str, turn: int, status: str, by: str = "judges") -> Verdict:
    return Verdict(component=component, turn=turn, status=Status(status), by=by)


def objective(name: str, check: Check | None = None) -> Component:
    return Component(id=name, category=Category.OBJECTIVE, text=f"You want {name}", check=check)


def policy(name: str, check: Check | None = None) -> Component:
    return Component(id=name, category=Category.POLICY, text=f"You never {name}", check=check)


def once(pattern: str) -> Check:
    return Check(once=Condition(user_says=pattern))


def complete(pattern: str) -> Check:
    return Check(complete=Condition(user_says=pattern))


def make_goal(name: str = "g", *components: Component, **fields: Any) -> Goal:
    return Goal(
        id=name, text=f"You want {name}.", components=components or (objective("t", complete("turn 1")),), **fields
    )


def make_plan(goal: Goal | None = None, *, trial: int = 1, max_turns: int = 10, steer: str = "none") -> EpisodeSpec:
    goal = goal or make_goal()
    setting = SETTING.model_copy(update={"steer": steer})
    return EpisodeSpec(episode_id(goal.id, trial), goal, trial, setting, max_turns)


def speaks(turns: int) -> Speak:
    """Says ``turn 1`` to ``turn N``, then ends the conversation by a message of its own."""

    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        said = len(conversation.turns)
        return UserTurn(f"turn {said + 1}") if said < turns else END

    return speak


async def agrees(conversation: Conversation, session: Session) -> AgentTurn:
    return AgentTurn(f"yes, {conversation.turns[-1].user}")


def make_cast(speak: Speak | None = None, answer: Answer = agrees, judge: Judge | None = None, **more: Any) -> RoleSet:
    said = speak or speaks(2)

    async def by_goal(goal: Goal, conversation: Conversation, state: GoalState | None) -> UserTurn:
        return await said(conversation, state)

    def no_domain(name: str) -> Any:
        raise AssertionError(name)

    return RoleSet(Users(by_goal), Agents(answer), judge or FirstStatus(), ChecksJudge(), no_domain, **more)


def journaled(folder: Path) -> list[Episode]:
    """Every line of a run's journal, also where several are of one episode."""
    lines = (folder / "episodes.jsonl").read_bytes().splitlines()
    return [Episode.model_validate_json(line) for line in lines]


def read(journal: Journal) -> dict[str, Episode]:
    return {episode.id: episode for episode in journal}
