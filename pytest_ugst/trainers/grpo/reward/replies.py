"""The agent's answers to sampled utterances: without them nothing that depends on the agent's work could move.

The recorded conversation before the utterance is played again into a fresh session, so that the agent answers where the
conversation stood: an agent that keeps its memory in the session (``rules``) hears every turn again; for one that
remembers nothing (a model), the recorded tool calls are made again and it is asked once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.protocols import Agent, Domain, NoSession, Session
from pytest_ugst.engine.spec import EpisodeSpec

Replay = Literal["respond", "tools"]


@dataclass(slots=True)
class Replies:
    """The agent in the middle of recorded conversations."""

    agent: Agent
    domain: Callable[[str], Domain]
    """Returns a domain by name."""
    replay: Replay = "respond"
    """The way in which the conversation so far is played again."""
    counts: Counter[str] = field(default_factory=Counter)
    """``replayed``: the turns played again; ``differed``: those in which the agent or a tool answered something else
    than in the record."""

    async def answer(self, episode: Episode, before: Conversation, turn: Turn) -> Turn:
        """Return a turn with the agent's answer and its tool calls.

        Args:
            episode: The recorded episode.
            before: Its conversation up to where the utterance is said.
            turn: The turn with the user's utterance.

        Raises:
            RoleError: If the agent fails.
            ChatUnavailableError: If its model can't be reached at all.
        """
        session = self.open(episode)
        for number in range(1, len(before.turns) + 1):
            await self._replay(before.up_to(number), session)
        heard = Turn(user=turn.user)
        answer = await self.agent.respond(_without_reasoning(before).with_turn(heard), session)
        return turn.model_copy(
            update={"agent": answer.text, "tool_calls": answer.tool_calls, "agent_reasoning": answer.reasoning}
        )

    def open(self, episode: Episode) -> Session:
        """Open a fresh session, as it was when the episode began."""
        seed = EpisodeSpec(episode.id, episode.goal, episode.trial, episode.setting, episode.max_turns).seed
        name = episode.goal.domain
        session: Session = NoSession() if name is None else self.domain(name).open(episode.goal, seed)
        session.notes["seed"] = seed
        return session

    async def _replay(self, heard: Conversation, session: Session) -> None:
        recorded = heard.turns[-1]
        self.counts["replayed"] += 1
        if self.replay == "respond":
            answer = await self.agent.respond(_without_reasoning(heard), session)
            same = answer.text == recorded.agent
        else:
            results = [session.call(call.name, call.arguments).text for call in recorded.tool_calls]
            same = results == [call.result for call in recorded.tool_calls]
        self.counts["differed"] += not same


def _without_reasoning(conversation: Conversation) -> Conversation:
    """Return the conversation as the agent may see it: without the user's reasoning."""
    if all(turn.user_reasoning is None for turn in conversation.turns):
        return conversation
    turns = tuple(turn.model_copy(update={"user_reasoning": None}) for turn in conversation.turns)
    return conversation.model_copy(update={"turns": turns})
