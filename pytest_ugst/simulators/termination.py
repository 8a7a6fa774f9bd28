"""Termination of a conversation: the words in a simulator's raw answer, and whether they end the conversation.

The rules, after the user simulator prompt of "Goal Alignment in LLM-Based User Simulators for Conversational AI"
(appendix A.2), which asks for a message of its own:

- The termination indicator is the word TERMINATE in any case, with punctuation, quotes or markdown around it.
- It is honoured as the whole message, and as the last sentence or line of a longer one. The second is recorded as not
  separate, and as having asked something where the rest asks a question or makes a request.
- A mention inside a sentence ("how do I terminate my contract?") is speech like any other.
- The stop words of tau-bench and tau2-bench (``###STOP###``, ``###TRANSFER###``, ``###OUT-OF-SCOPE###``) are honoured
  wherever they stand, since nobody says them.

Models that play both sides get cut: a leading speaker label goes, and everything from the first invented line of the
agent (or a second line of the user) on.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pytest_ugst.core.conversation import StopReason

INDICATOR = "terminate"

_WORD = re.compile(rf"\b{INDICATOR}\b", re.IGNORECASE)
_STOP_WORD = re.compile(r"#{2,}\s*(STOP|TRANSFER|OUT[-_ ]OF[-_ ]SCOPE)\s*#{2,}", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[a-z_0-9]+\|>|</s>", re.IGNORECASE)
_OPENING = "\"'“”‘’«»„`*_~([{<#>-–—"
_TAIL = 300  # how far from the end the indicator may start; bounds the work on hostile input
_MARKS = 5  # bullets, rules and the like that may stand before it, each by itself
_SENTENCE_END = ".!?…。！？"
_CLOSING = "\"'”’»`*_~)]}"

_AGENT = (
    r"(?:(?:AI|virtual|service|customer[- ]service|support|travel|booking)\s+)?"
    r"(?:agent|assistant|representative|chatbot|bot)|AI"
)
_USER = r"(?:user|customer|human|client|me)"
_BEFORE, _AFTER = r"[ \t]*[>*_#\[(-]{0,4}[ \t]*", r"[ \t]*[*_\])]{0,4}[ \t]*[:：][ \t]*[*_]{0,3}"
_AGENT_LINE = re.compile(rf"^{_BEFORE}(?:{_AGENT}){_AFTER}", re.IGNORECASE | re.MULTILINE)
_USER_LINE = re.compile(rf"^{_BEFORE}{_USER}{_AFTER}", re.IGNORECASE | re.MULTILINE)
_AGENT_INLINE = re.compile(r"(?<=[.!?])[ \t]+(?:Agent|Assistant|AGENT|ASSISTANT)[ \t]*:[ \t]")

_REQUEST = re.compile(
    r"[?？]"
    r"|\b(?:could|can|would|will) you\b"
    r"|\bplease\b(?! (?:have|take care|enjoy|stay|accept my))"
    r"|\blet me know\b|\b(?:tell|give|send|show|help|book|find) me\b"
    r"|\bi(?:['’]d| would) like\b"
    r"|(?<!all )(?<!everything )(?<!what )(?<!that )\bi (?:want|need) (?:to|you|a|an|the|it|my|some|one|two)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a conversation, as an utterance expresses it."""

    text: str
    """The words beside the indicator; empty where it stands alone."""
    reason: StopReason
    """Why the conversation ends."""
    separate: bool
    """Whether the indicator is the whole message."""
    asked: bool
    """Whether the rest asks a question or makes a request (recognised in English only)."""


def own_words(text: str) -> str:
    """Cut an answer down to the one message the simulator may send.

    Args:
        text: The model's answer without its reasoning.

    Returns:
        The answer up to the first line the model invented for somebody else, without speaker labels and leftover
        special tokens. An answer that starts with an invented agent line counts from the user's line after it; if
        there is none, the label is taken for a mistaken one and goes.
    """
    special = _SPECIAL.search(text.strip())
    if special is not None:
        head = text.strip()[: special.start()]
        text = head if head.strip() else _SPECIAL.sub("", text)
    text = text.strip()
    first = _AGENT_LINE.match(text)
    if first is not None:
        own = _USER_LINE.search(text, first.end())
        text = text[(own or first).end() :]
    else:
        own = _USER_LINE.search(text)
        # "Here is the next message:" may come before the label.
        if own is not None and text[: own.start()].strip()[-1:] in ("", ":"):
            text = text[own.end() :]
    text = text.strip()
    cuts = [
        found.start()
        for pattern in (_AGENT_LINE, _USER_LINE, _AGENT_INLINE)
        if (found := pattern.search(text)) is not None and text[: found.start()].strip()
    ]
    return text[: min(cuts, default=len(text))].strip()


def read_ending(text: str) -> Ending | None:
    """Find the termination indicator or a stop word.

    Args:
        text: The simulator's utterance.

    Returns:
        The end it expresses, or None if the conversation goes on.
    """
    reason: StopReason | None = None
    words = {found.group(1).upper()[:3] for found in _STOP_WORD.finditer(text)}
    if words:
        reason = StopReason.OUT_OF_SCOPE if "OUT" in words else StopReason.USER_ENDED
        text = _STOP_WORD.sub(" ", text)
    rest = _bare(text)
    while (shorter := _without_indicator(rest)) is not None:
        reason, rest = reason or StopReason.USER_ENDED, _bare(shorter)
    if reason is None:
        return None
    return Ending(text=rest, reason=reason, separate=not rest, asked=_REQUEST.search(rest) is not None)


def _bare(text: str) -> str:
    """Return the stripped text, or an empty one if nothing in it can be read out."""
    text = text.strip()
    return text if any(c.isalnum() or c in "?？" or _symbol(c) for c in text) else ""


def _without_indicator(text: str) -> str | None:
    """Return the text before an indicator that ends it; None if none does."""
    *_, found = None, *_WORD.finditer(text, max(0, len(text) - _TAIL))
    if found is None or any(c.isalnum() or c in "?？" for c in text[found.end() :]):
        return None
    before = text[: found.start()]
    rest = before.rstrip(_OPENING).rstrip()
    for _ in range(_MARKS):
        *_, last = rest.rsplit(maxsplit=1) or [""]
        if not last or last.strip(_OPENING):
            break
        rest = rest[: -len(last)].rstrip()
    gap = before[len(rest) :]
    if not rest or "\n" in gap:
        return rest
    ends = rest.rstrip(_CLOSING).endswith(tuple(_SENTENCE_END)) or _symbol(rest[-1])
    # "thread.terminate" is a name, "Thanks.Terminate" a missing space.
    return rest if ends and (gap or found.group()[0].isupper()) else None


def _symbol(char: str) -> bool:
    """Return whether a character is an emoji or part of one."""
    return unicodedata.category(char) in ("So", "Sk") or char in "\ufe0f\u200d"
