"""Separation of a model's reasoning from its speech: the only module that knows the tags around reasoning."""

from __future__ import annotations

import re

OPEN, CLOSE = "<think>", "</think>"
"""The tags that trained simulators write around their reasoning."""
_TAG = re.compile(r"<(/?)(?:think|thinking|thought|thoughts|reasoning)\b[^<>]*(?:>|$)", re.IGNORECASE)


def split_reasoning(text: str) -> tuple[str, str | None]:
    """Split a model's answer into speech and reasoning.

    Anything between a reasoning tag and its closing tag is reasoning. An unclosed tag runs to the end of the text
    (the model was cut off in its reasoning). Text before a closing tag that was never opened is reasoning as well:
    chat templates that open the tag themselves leave only the closing one in the answer. When in doubt, text counts
    as reasoning, because speech reaches the other side of the conversation.

    Args:
        text: The answer as the model gave it.

    Returns:
        The speech, without tags and stripped, and the reasoning or None.
    """
    speech: list[str] = []
    reasoning: list[str] = []
    inside = False
    at = 0
    for tag in _TAG.finditer(text):
        (reasoning if inside else speech).append(text[at : tag.start()])
        at = tag.end()
        closes = bool(tag.group(1))
        if closes and not inside:
            reasoning += speech
            speech = []
        inside = not closes
    (reasoning if inside else speech).append(text[at:])
    joined = "\n\n".join(part.strip() for part in reasoning if part.strip())
    return "".join(speech).strip(), joined or None


def join_reasoning(*parts: str | None) -> str | None:
    """Join pieces of reasoning in their order, equal ones once; return None if there are none."""
    kept: list[str] = []
    for part in parts:
        if part and part.strip() and part.strip() not in kept:
            kept.append(part.strip())
    return "\n\n".join(kept) or None
