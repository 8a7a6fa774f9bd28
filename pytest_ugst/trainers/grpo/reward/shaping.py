"""Shaping terms, which the paper leaves as future work: added to equation 3 where they are given a weight.

Penalties are between minus their weight and 0, scores between 0 and their weight, so that a weight says how much a term
can move a reward whose five conditions are worth 0.5 each.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import UserTurn
from pytest_ugst.trainers.grpo.reward.completions import ParsedCompletion
from pytest_ugst.trainers.grpo.reward.indicators import Indicators

_WORD = re.compile(r"\w+")


class WordingJudge(Protocol):
    """A judge of the wording of messages."""

    async def score(self, aspect: str, goal: str, conversation: Conversation) -> float | None:
        """Rate a message from 0 (bad) to 1 (good); None if there is no answer.

        Args:
            aspect: ``naturalness`` or ``coherence``.
            goal: The text of the user's goal.
            conversation: Up to the message that is rated.
        """


@dataclass(frozen=True, slots=True)
class ShapingInput:
    """The facts about a turn that the terms depend on."""

    parsed: ParsedCompletion
    turn: UserTurn
    goal: str
    """The text of the user's goal."""
    before: Conversation
    conversation: Conversation
    """The conversation with the turn."""
    state: GoalState
    """The goal state before the turn."""
    met: Indicators
    ended: bool


@dataclass(frozen=True, slots=True)
class Shaping:
    """The weights of the terms, and their settings."""

    graded: bool = False
    """Whether a condition counts the share of its sub-components instead of 0 or 1; see
    :func:`pytest_ugst.trainers.grpo.reward.indicators.indicators`."""
    length: float = 0.0
    """Penalty for an utterance of more than ``max_words``, which grows to the whole weight at twice as many."""
    max_words: int = 60
    thoughts: float = 0.0
    """The same penalty for reasoning of more than ``max_thought_words``."""
    max_thought_words: int = 150
    repetition: float = 0.0
    """Penalty for saying again what the user said before: the largest share of the utterance's word trigrams that
    one earlier utterance holds, or that the utterance itself repeats."""
    termination: float = 0.0
    """Penalty for ending while something is left, for ending with a question in the same message, and for going on
    when nothing is left."""
    naturalness: float = 0.0
    coherence: float = 0.0
    """Scores of a judge model."""
    wording: WordingJudge | None = None
    """The judge that gives these scores."""

    async def terms(self, given: ShapingInput) -> dict[str, float | None]:
        """Return the terms with a weight, by name; None where the judge model gave no answer."""
        terms: dict[str, float | None] = {}
        text = given.turn.text
        if self.length:
            terms["length"] = -self.length * _excess(text, self.max_words)
        if self.thoughts:
            terms["thoughts"] = -self.thoughts * _excess(given.parsed.reasoning, self.max_thought_words)
        if self.repetition:
            terms["repetition"] = -self.repetition * repetition(text, [turn.user for turn in given.before.turns])
        if self.termination:
            terms["termination"] = -self.termination * _ill_timed(given)
        aspects = [name for name in ("naturalness", "coherence") if getattr(self, name) and text]
        if aspects and self.wording is not None:
            scores = await asyncio.gather(*(self.wording.score(a, given.goal, given.conversation) for a in aspects))
            for aspect, score in zip(aspects, scores, strict=True):
                terms[aspect] = None if score is None else getattr(self, aspect) * score
        return terms


def repetition(text: str, earlier: list[str]) -> float:
    """Return how much of a text was said before, from 0 to 1.

    The larger of two shares of its word trigrams (of its words, if it has fewer than three): those that occur in it
    more than once, without the first; and the most that one earlier text holds.
    """
    grams = _grams(text)
    if not grams:
        return 0.0
    itself = 1 - len(set(grams)) / len(grams)
    shares = [sum(gram in held for gram in grams) / len(grams) for held in (set(_grams(t)) for t in earlier)]
    return max([itself, *shares])


def _grams(text: str) -> list[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    size = 3 if len(words) >= 3 else 1
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]


def _excess(text: str, most: int) -> float:
    return min(max(len(text.split()) / most - 1, 0.0), 1.0)


def _ill_timed(given: ShapingInput) -> bool:
    """Return whether a turn ends the conversation too early, or with a question, or goes on with nothing left."""
    if given.turn.stop is None:
        return given.state.turn > 0 and not given.ended and not given.state.failures()
    closing = given.turn.closing
    asked = closing is not None and closing.asked
    reached = (given.met.objective, given.met.requirement, given.met.preference)
    return asked or any(value != 1.0 for value in reached)
