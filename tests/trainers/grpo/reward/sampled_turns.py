"""Turns that a simulator sampled, the episodes they are sampled in, and a judge of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.trainers.data.examples import completion_text
from tests.factories import make_conversation, make_episode, make_goal, verdict


@dataclass
class Judge:
    """A judge that gives the same verdict on a sub-component whenever asked, and remembers the requests."""

    says: dict[str, str | None]
    name: str = "judge"
    asked: list[list[str]] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        self.asked.append([c.id for c in components])
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(0.01)
        self.busy -= 1
        return [verdict(c.id, turn, self.says.get(c.id)) for c in components]


def recorded(*components: Component, turns: int = 2, said: Sequence[Verdict] = (), max_turns: int = 10) -> Episode:
    """Return an episode in which the user says ``turn 1``, ``turn 2`` and so on, and the agent agrees."""
    talk = make_conversation(
        *((f"turn {n}", f"yes, turn {n}") for n in range(1, turns + 1)), stop=StopReason.USER_ENDED
    )
    return make_episode(make_goal("g", *components), *said, conversation=talk, max_turns=max_turns)


def speak(utterance: str) -> str:
    """Return a completion with reasoning that says this."""
    return completion_text("I think so.", utterance)
