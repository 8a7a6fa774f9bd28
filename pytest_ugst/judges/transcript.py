"""Transcripts: a conversation as a judge gets to read it, and the search for quoted words in it."""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

from pytest_ugst.core.conversation import Conversation, ToolCall, Turn

Speaker = Literal["user", "agent", "tool"]

MAX_RESULT = 1_500
"""The most characters of a tool's result that are shown; search results can be far longer than the conversation."""

_OUR_TAGS = re.compile(r"<(?=/?\s*(?:chat|part|goal)\b)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_GAP = re.compile(r"\.{3,}|…|\[…\]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "–": "-", "—": "-"})


class Located(NamedTuple):
    """The place of quoted words in a conversation."""

    turn: int
    speaker: Speaker


def as_data(text: str) -> str:
    """Return foreign text, changed so that it can't open or close one of the tags that delimit it in a prompt."""
    return _OUR_TAGS.sub("&lt;", text)


def render(conversation: Conversation, tools: bool = True) -> str:
    """Return a conversation as text, with numbered turns.

    Each turn's text depends on that turn alone, so that a longer conversation starts with the text of a shorter one.
    Lines below the first of an utterance are indented: nobody can forge the start of a turn.

    Args:
        conversation: The conversation.
        tools: Whether tool calls and their results are shown.
    """
    return "".join(_turn(number, turn, tools) for number, turn in enumerate(conversation.turns, 1))


def _turn(number: int, turn: Turn, tools: bool) -> str:
    lines = [f"Turn {number}", f"USER: {_utterance(turn.user)}"]
    if tools:
        lines += [_tool(call) for call in turn.tool_calls]
    lines.append("(no answer)" if turn.agent is None else f"AGENT: {_utterance(turn.agent)}")
    return "\n".join(lines) + "\n\n"


def _tool(call: ToolCall) -> str:
    result = call.result
    if len(result) > MAX_RESULT:
        result = f"{result[:MAX_RESULT]} [cut; {len(call.result)} characters in all]"
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    outcome = "returned" if call.ok else "failed with"
    return f"TOOL {_utterance(call.name)}({_utterance(arguments)}) {outcome}: {_utterance(result)}"


def _utterance(text: str) -> str:
    return as_data(re.sub(r"\s*[\r\n\u2028\u2029\x0b\x0c\x85]+\s*", "\n  ", text.strip()))


def find_quote(
    conversation: Conversation, quote: str, turn: int, speaker: Speaker, tools: bool = True
) -> Located | None:
    """Find quoted words in a conversation.

    Case, spacing and the shape of quotation marks don't matter; dots stand for words left out.

    Args:
        conversation: The conversation.
        quote: The quoted words.
        turn: The turn they are attributed to, which is searched first.
        speaker: The speaker they are attributed to, whose words are searched first.
        tools: Whether tool calls and results are searched.

    Returns:
        The place of the words, or None if they are not found.
    """
    pieces = [piece for part in _GAP.split(quote) if (piece := _plain(part).strip("\"' "))]
    if not pieces:
        return None
    places = _places(conversation, tools)
    places.sort(key=lambda place: (place[0].speaker != speaker, abs(place[0].turn - turn)))
    for located, text in places:
        plain = _plain(text)
        if all(piece in plain for piece in pieces):
            return located
    return None


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text.translate(_QUOTES)).strip().casefold()


def _places(conversation: Conversation, tools: bool) -> list[tuple[Located, str]]:
    places: list[tuple[Located, str]] = []
    for number, turn in enumerate(conversation.turns, 1):
        places.append((Located(number, "user"), turn.user))
        if turn.agent is not None:
            places.append((Located(number, "agent"), turn.agent))
        if tools:
            for call in turn.tool_calls:
                places.append((Located(number, "tool"), _tool(call)))
                places.append((Located(number, "tool"), call.result))
    return places
