"""Training examples of a simulator, one per user turn of a recorded episode.

The prompt is the unsteered one, made by the very function that makes it in play, so that what is trained is what is
played. The completion is the reasoning between tags and the utterance. A conversation's termination message is an
example as well: a model that never saw one never ends a conversation.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.reasoning import CLOSE, OPEN
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.llm import request
from pytest_ugst.trainers.data.reasoning_traces import write_reasoning

_BETWEEN = "\n\n"
"""The form of a completion: ``<think>``, newline, reasoning, newline, ``</think>``, blank line, utterance."""
FINAL_WORD = "Terminate."
"""The termination message as the simulator's instructions ask for it."""

ReasoningSource = Literal["auto", "recorded", "written", "none"]
"""The source of the reasoning: what the simulator thought (``recorded``), or what is written from the goal state
(``written``); ``auto`` takes what a thinking model thought, and writes for all others; ``none`` leaves it out."""


class Message(Frozen):
    """A message of a prompt or a completion."""

    role: Literal["system", "user", "assistant"]
    content: SafeText


class Example(Frozen):
    """A user turn, in the conversational prompt-completion format that TRL and others read."""

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    episode: str
    goal: str
    trial: int
    turn: int
    """The number of the turn in which the completion is said, from 1."""

    @property
    def completion_text(self) -> str:
        """The text of the completion."""
        return self.completion[0].content

    @property
    def digest(self) -> str:
        """A digest that is equal for examples that teach the same."""
        both = [[m.role, m.content] for m in (*self.prompt, *self.completion)]
        return hashlib.sha256(json.dumps(both).encode()).hexdigest()

    def record(self) -> dict[str, Any]:
        """Return the example as JSON-like data."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The user's words in one turn of a recorded conversation."""

    turn: int
    text: str
    reasoning: str | None
    ends: bool
    """Whether it ends the conversation."""


def completion_text(reasoning: str | None, utterance: str) -> str:
    """Return reasoning and utterance in the form that is trained."""
    return f"{OPEN}\n{reasoning}\n{CLOSE}{_BETWEEN}{utterance}" if reasoning else utterance


def user_messages(conversation: Conversation) -> Iterator[UserMessage]:
    """Yield what the user says, turn by turn, the termination message included."""
    closing = conversation.closing
    last = len(conversation.turns)
    for number, turn in enumerate(conversation.turns, 1):
        # The indicator was said in the same breath: the last utterance is what was said with it.
        joined = closing is not None and not closing.separate and number == last and turn.agent is None
        yield UserMessage(number, closing.text if closing and joined else turn.user, turn.user_reasoning, joined)
    if closing is not None and closing.separate:
        yield UserMessage(last + 1, FINAL_WORD, closing.reasoning, True)


def has_own_reasoning(episode: Episode) -> bool:
    """Return whether the reasoning in the record is that of a model which was asked to think."""
    return episode.setting.reasoning and episode.setting.simulator in episode.setting.models


def examples_of(
    episode: Episode, prompts: Prompts, source: ReasoningSource = "auto", seed: int = 0
) -> Iterator[Example]:
    """Yield the examples of an episode, one per user turn.

    A turn whose reasoning is to be the recorded one and was not recorded gives no example.

    Args:
        episode: A recorded episode.
        prompts: The prompts that the trained model will be played with.
        source: The source of the reasoning.
        seed: The seed of the wording of written reasoning.
    """
    written = source == "written" or (source == "auto" and not has_own_reasoning(episode))
    rng = random.Random(f"{seed}:{episode.id}")  # noqa: S311
    for message in user_messages(episode.conversation):
        before = episode.conversation.up_to(message.turn - 1)
        before = Conversation(turns=before.turns[: message.turn - 1])
        reasoning: str | None = None
        if written:
            state = episode.state(message.turn - 1)
            reasoning = write_reasoning(state, before, message.text, message.ends, episode.max_turns, rng)
        elif source != "none":
            reasoning = (message.reasoning or "").strip() or None
            if reasoning is None or OPEN in reasoning or CLOSE in reasoning:
                continue
        messages = request(prompts, episode.goal, before, episode.max_turns, source != "none")
        yield Example(
            prompt=tuple(Message(role=m["role"], content=str(m["content"])) for m in messages),
            completion=(Message(role="assistant", content=completion_text(reasoning, message.text)),),
            episode=episode.id,
            goal=episode.goal.id,
            trial=episode.trial,
            turn=message.turn,
        )
