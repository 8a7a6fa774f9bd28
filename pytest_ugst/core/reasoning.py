"""Telling what a model says from what it thinks aloud."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|thoughts|reasoning)\b[^<>]*(?:>|$)", re.IGNORECASE)


def split_reasoning(text: str) -> tuple[str, str | None]:
    """Take the reasoning out of a model's answer.

    Anything between a thinking tag and its closing tag is reasoning. An unclosed tag runs to the end of the text
    (the model was cut off while thinking). Text before a closing tag that was never opened is reasoning as well:
    chat templates that open the tag themselves leave only the closing one in the answer. When in doubt, words count
    as reasoning, because what is kept as speech reaches the other side.

    Args:
        text: The answer as the model gave it.

    Returns:
        What is meant to be heard, without tags and stripped, and the reasoning or None.
    """
    spoken: list[str] = []
    thoughts: list[str] = []
    thinking = False
    at = 0
    for tag in _TAG.finditer(text):
        (thoughts if thinking else spoken).append(text[at : tag.start()])
        at = tag.end()
        closes = bool(tag.group(1))
        if closes and not thinking:
            thoughts += spoken
            spoken = []
        thinking = not closes
    (thoughts if thinking else spoken).append(text[at:])
    reasoning = "\n\n".join(part.strip() for part in thoughts if part.strip())
    return "".join(spoken).strip(), reasoning or None


def join_reasoning(*parts: str | None) -> str | None:
    """Put pieces of reasoning together, each once, in order; None if there are none."""
    kept: list[str] = []
    for part in parts:
        if part and part.strip() and part.strip() not in kept:
            kept.append(part.strip())
    return "\n\n".join(kept) or None
