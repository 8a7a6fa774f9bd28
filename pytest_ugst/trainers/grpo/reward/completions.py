"""Strict parsing of completions: reasoning, utterance, and errors of the format."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.protocols import UserTurn
from pytest_ugst.core.reasoning import CLOSE, OPEN
from pytest_ugst.simulators.llm import read_utterance

# Wider than what is taught: a tag of another name, or half of one, is a leak all the same.
_ANY_TAG = re.compile(r"<\s*/?\s*(?:think|thinking|thought|thoughts|reasoning)\b|</?think", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParsedCompletion:
    """A completion in its parts."""

    reasoning: str
    turn: UserTurn | None
    """The turn as in a played conversation; None where the format is wrong."""
    format_error: str | None = None
    """The error of the format, in a word or two: ``no reasoning``, ``unclosed reasoning``, ``empty reasoning``,
    ``leaked reasoning``, ``nothing said``, ``cut off``."""


def parse_completion(
    text: str, conversation: Conversation, *, finished: bool = True, opened: bool = False, thinks: bool = True
) -> ParsedCompletion:
    """Parse a completion strictly: ``<think>``, reasoning, ``</think>``, utterance.

    In play anything that looks like reasoning is kept from the agent. Here a model is to learn the format, so whatever
    departs from it is an error.

    Args:
        text: The completion.
        conversation: The conversation so far.
        finished: Whether the model ended it by itself, not by the token limit.
        opened: Whether the chat template writes ``<think>`` before the completion begins.
        thinks: Whether there is to be reasoning at all; else the completion is the utterance.
    """
    text = text.strip()
    if not thinks:
        error = "leaked reasoning" if _ANY_TAG.search(text) else None if finished else "cut off"
        turn = read_utterance(text, None, conversation) if error is None else None
        return ParsedCompletion("", turn, error or (None if turn else "nothing said"))
    if opened and not text.startswith(OPEN):
        text = OPEN + text
    if not text.startswith(OPEN):
        leaked = _ANY_TAG.search(text) is not None
        return ParsedCompletion("", None, "leaked reasoning" if leaked else "no reasoning" if finished else "cut off")
    reasoning, closed, utterance = text[len(OPEN) :].partition(CLOSE)
    reasoning, utterance = reasoning.strip(), utterance.strip()
    if not closed:
        return ParsedCompletion(reasoning, None, "unclosed reasoning")
    if not reasoning:
        return ParsedCompletion("", None, "empty reasoning")
    if _ANY_TAG.search(reasoning) or _ANY_TAG.search(utterance):
        return ParsedCompletion(reasoning, None, "leaked reasoning")
    if not finished:
        return ParsedCompletion(reasoning, None, "cut off")
    turn = read_utterance(text, None, conversation)
    if turn is None:
        return ParsedCompletion(reasoning, None, "nothing said")
    return ParsedCompletion(reasoning, turn)
