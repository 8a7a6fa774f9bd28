"""Rows: what a simulator is trained on, one per user turn of a recorded episode.

The prompt is the unsteered one, made by the very function that makes it in play, so that what is trained is what is
played. The target is the reasoning between tags and the utterance. A conversation's termination message is a row as
well: a model that never saw one never ends.
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
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.llm import request
from pytest_ugst.trainers.data.reasoning_traces import write_trace

OPEN, CLOSE, BETWEEN = "<think>", "</think>", "\n\n"
"""The form of a target: ``<think>``, newline, reasoning, newline, ``</think>``, blank line, utterance."""
FINAL_WORD = "Terminate."
"""The termination message as the simulator's instructions ask for it."""

Traces = Literal["auto", "recorded", "written", "none"]
"""Where the reasoning comes from: what the simulator thought (``recorded``), or what is written from the goal state
(``written``); ``auto`` takes what a thinking model thought, and writes for all others; ``none`` leaves it out."""


class Message(Frozen):
    """One message of a prompt or a target."""

    role: Literal["system", "user", "assistant"]
    content: SafeText


class Example(Frozen):
    """One user turn, in the conversational prompt-completion format that TRL and others read."""

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    episode: str
    goal: str
    trial: int
    turn: int
    """The turn that is spoken, counted from 1."""

    @property
    def completion_text(self) -> str:
        """What the model is to say."""
        return self.completion[0].content

    @property
    def digest(self) -> str:
        """Equal for rows that teach the same."""
        both = [[m.role, m.content] for m in (*self.prompt, *self.completion)]
        return hashlib.sha256(json.dumps(both).encode()).hexdigest()

    def record(self) -> dict[str, Any]:
        """As JSON-like data."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class Said:
    """What the user says in one turn of a recorded conversation."""

    turn: int
    text: str
    reasoning: str | None
    ends: bool
    """Whether it ends the conversation."""


def completion_text(reasoning: str | None, utterance: str) -> str:
    """Reasoning and utterance in the form that is trained."""
    return f"{OPEN}\n{reasoning}\n{CLOSE}{BETWEEN}{utterance}" if reasoning else utterance


def speeches(conversation: Conversation) -> Iterator[Said]:
    """What the user says, turn by turn, the termination message included."""
    closing = conversation.closing
    last = len(conversation.turns)
    for number, turn in enumerate(conversation.turns, 1):
        # The indicator was said in the same breath: the last utterance is what was said with it.
        joined = closing is not None and not closing.separate and number == last and turn.agent is None
        yield Said(number, closing.text if closing and joined else turn.user, turn.user_reasoning, joined)
    if closing is not None and closing.separate:
        yield Said(last + 1, FINAL_WORD, closing.reasoning, True)


def thinks(episode: Episode) -> bool:
    """Whether the reasoning in the record is that of a model which was asked to think."""
    return episode.setting.reasoning and episode.setting.simulator in episode.setting.models


def examples_of(episode: Episode, prompts: Prompts, traces: Traces = "auto", seed: int = 0) -> Iterator[Example]:
    """The rows of an episode, one per user turn.

    A turn whose reasoning is to be the recorded one and was not recorded gives no row.

    Args:
        episode: A recorded one.
        prompts: With which the trained model will be prompted.
        traces: Where the reasoning comes from.
        seed: Of the wording of written traces.
    """
    written = traces == "written" or (traces == "auto" and not thinks(episode))
    rng = random.Random(f"{seed}:{episode.id}")  # noqa: S311
    for said in speeches(episode.conversation):
        before = episode.conversation.up_to(said.turn - 1)
        before = Conversation(turns=before.turns[: said.turn - 1])
        reasoning: str | None = None
        if written:
            state = episode.state(said.turn - 1)
            reasoning = write_trace(state, before, said.text, said.ends, episode.max_turns, rng)
        elif traces != "none":
            reasoning = (said.reasoning or "").strip() or None
            if reasoning is None or OPEN in reasoning or CLOSE in reasoning:
                continue
        messages = request(prompts, episode.goal, before, episode.max_turns, traces != "none")
        yield Example(
            prompt=tuple(Message(role=m["role"], content=str(m["content"])) for m in messages),
            completion=(Message(role="assistant", content=completion_text(reasoning, said.text)),),
            episode=episode.id,
            goal=episode.goal.id,
            trial=episode.trial,
            turn=said.turn,
        )
