"""Evaluation of the conditions of checks: whether a condition holds, and the words that show it.

A condition is read in two ways. *In a turn*, every part of it has to hold in that turn. *In the conversation so far*,
the parts of ``all_of`` and ``any_of`` may hold in different turns, ``none_of`` means in no turn, and the parts of
``in_order`` each hold in one turn, none of them earlier than the part before it.

Patterns come from goal files, which are untrusted, and backtracking may take for ever. A search ends after
:data:`MAX_SECONDS` (the ``regex`` package knows a time limit, the standard library's ``re`` does not), a pattern that
took so long is not tried again, and no more than :data:`MAX_TEXT` characters of an utterance are searched. The plainest
case, an unbounded repetition of a group that itself repeats without bound (``(a+)+``), is refused before anything runs.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final, Literal

import regex
from pydantic import JsonValue

from pytest_ugst.core.check import Condition, ToolMatch
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.verdict import Evidence

MAX_TEXT: Final = 20_000
"""Characters of one utterance or tool result that are searched."""

MAX_SECONDS: Final = 1.0
"""Seconds that one search may take."""

_CONTEXT = 40  # characters around the matched words that are quoted
_RESULT = 160  # characters of a tool's result that are quoted

Found = tuple[Evidence, ...]
"""The evidence of a condition that holds; empty where it holds because something was *not* said."""


class PatternRefusedError(ValueError):
    """A regular expression that could run for ever."""


_MANY = 40  # repetitions that count as unbounded
_REPEAT = re.compile(r"(?:[*+]|\{\d*,(\d*)\}|\{(\d+)\})(\+?)")
_SET = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")


def _unbounded(repeat: re.Match[str] | None) -> bool:
    if repeat is None or repeat[3]:  # A possessive repetition never backtracks.
        return False
    most = repeat[1] or repeat[2]
    return not most or int(most) > _MANY


def nests_repeats(pattern: str) -> bool:
    """Return whether a group that repeats something without bound (or more than 40 times) is itself repeated so."""
    groups: list[bool] = [False]
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            continue
        if char == "[":
            inside = _SET.match(pattern, at)
            at = inside.end() if inside else at + 1
            continue
        if char == "(":
            groups.append(False)
        elif char == ")" and len(groups) > 1:
            repeats = groups.pop()
            if repeats and _unbounded(_REPEAT.match(pattern, at + 1)):
                return True
            groups[-1] = groups[-1] or repeats
        elif (repeat := _REPEAT.match(pattern, at)) is not None:
            groups[-1] = groups[-1] or _unbounded(repeat)
            at = repeat.end()
            continue
        at += 1
    return False


@lru_cache(maxsize=8_192)
def compiled(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern; each is compiled once.

    Raises:
        PatternRefusedError: If it repeats a repetition without bound.
    """
    if nests_repeats(pattern):
        raise PatternRefusedError(f"the pattern {pattern!r} repeats a repetition; bound the outer one, as in {{0,9}}")
    return regex.compile(pattern, regex.IGNORECASE)


_too_slow: set[str] = set()
_TOOK_TOO_LONG = f"searching for the pattern {{!r}} took more than {MAX_SECONDS:g} s; write it with fewer repetitions"


# A check looks at every earlier turn again after each new one; what was found in a text does not change.
@lru_cache(maxsize=32_768)
def _span(pattern: str, text: str) -> tuple[int, int] | None:
    """Return the start and end of the first match; None for none.

    Raises:
        PatternRefusedError: If the search takes too long, now or at an earlier time.
    """
    if pattern in _too_slow:
        raise PatternRefusedError(_TOOK_TOO_LONG.format(pattern))
    try:
        match = compiled(pattern).search(text, 0, MAX_TEXT, timeout=MAX_SECONDS)
    except TimeoutError:
        _too_slow.add(pattern)
        raise PatternRefusedError(_TOOK_TOO_LONG.format(pattern)) from None
    return match.span() if match else None


def _clip(text: str, start: int, end: int) -> str:
    """Return the words from ``start`` to ``end``, with a little context, cut between words."""
    left, right = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    if left and (space := text.find(" ", left, start)) >= 0:
        left = space + 1
    if right < len(text) and (space := text.rfind(" ", end, right)) >= 0:
        right = space
    words = " ".join(text[left:right].split())
    return f"{'… ' if left else ''}{words}{' …' if right < len(text) else ''}"


def _in_text(pattern: str, text: str | None, turn: int, speaker: Literal["user", "agent"]) -> Found | None:
    if text is None or (span := _span(pattern, text)) is None:
        return None
    return (Evidence(turn=turn, speaker=speaker, quote=_clip(text, *span)),)


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def same(expected: JsonValue, actual: JsonValue) -> bool:
    """Return whether an argument of a tool call is what a check asks for.

    Strings compare trimmed and without regard to case, a number equals a string that spells it, true and false equal
    the words, and a list of expected values means any of them.
    """
    if isinstance(expected, list):
        return any(same(member, actual) for member in expected) or expected == actual
    if isinstance(expected, bool) or isinstance(actual, bool):
        return str(expected).strip().casefold() == str(actual).strip().casefold()
    if (
        isinstance(expected, str)
        and isinstance(actual, str)
        and expected.strip().casefold() == actual.strip().casefold()
    ):
        return True
    left, right = _number(expected), _number(actual)
    if left is not None and right is not None:
        return left == right
    return expected == actual


def _matches(match: ToolMatch, call: ToolCall) -> bool:
    if call.name not in match.name.split("|") or (match.ok is not None and call.ok is not match.ok):
        return False
    for name, expected in match.args.items():
        if name not in call.arguments or not same(expected, call.arguments[name]):
            return False
    return match.result is None or _span(match.result, call.result) is not None


def call_text(call: ToolCall) -> str:
    """Return a tool call in a form for people: ``book_hotel(people=2) -> {"reference": ...``."""
    arguments = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items())
    result = " ".join(call.result.split())
    return f"{call.name}({arguments}) -> {result if len(result) <= _RESULT else result[:_RESULT] + '…'}"


def _called(match: ToolMatch, turn: Turn, number: int) -> Found | None:
    for call in turn.tool_calls:
        if _matches(match, call):
            return (Evidence(turn=number, speaker="tool", quote=call_text(call)),)
    return None


def find_in_turn(condition: Condition, turn: Turn, number: int) -> Found | None:
    """Evaluate a condition in one turn.

    Args:
        condition: The condition.
        turn: The turn.
        number: The number of the turn, counted from 1.

    Returns:
        The evidence where it holds, else None.
    """
    if condition.user_says is not None:
        return _in_text(condition.user_says, turn.user, number, "user")
    if condition.agent_says is not None:
        return _in_text(condition.agent_says, turn.agent, number, "agent")
    if condition.tool is not None:
        return _called(condition.tool, turn, number)
    if condition.any_of is not None:
        return next((f for part in condition.any_of if (f := find_in_turn(part, turn, number)) is not None), None)
    if condition.none_of is not None:
        return None if any(find_in_turn(part, turn, number) is not None for part in condition.none_of) else ()
    # all_of; and in_order, whose parts then fall into the same turn.
    return _together([find_in_turn(part, turn, number) for part in condition.all_of or condition.in_order or ()])


def find_so_far(condition: Condition, conversation: Conversation) -> Found | None:
    """Evaluate a condition in the conversation so far.

    Returns:
        The evidence where it holds, else None.
    """
    if condition.all_of is not None:
        return _together([find_so_far(part, conversation) for part in condition.all_of])
    if condition.any_of is not None:
        return next((f for part in condition.any_of if (f := find_so_far(part, conversation)) is not None), None)
    if condition.none_of is not None:
        return None if any(find_so_far(part, conversation) is not None for part in condition.none_of) else ()
    if condition.in_order is not None:
        return _in_order(condition.in_order, conversation)
    for number, turn in enumerate(conversation.turns, 1):
        if (found := find_in_turn(condition, turn, number)) is not None:
            return found
    return None


def _in_order(parts: tuple[Condition, ...], conversation: Conversation) -> Found | None:
    # The earliest turn for each part leaves the most room for the next one.
    at, evidence = 0, []
    for part in parts:
        while at < len(conversation.turns):
            found = find_in_turn(part, conversation.turns[at], at + 1)
            if found is not None:
                evidence.append(found)
                break
            at += 1
        else:
            return None
    return _together(evidence)


def _together(parts: list[Found | None] | list[Found]) -> Found | None:
    """Return the evidence of all parts, each once; None if a part does not hold."""
    evidence: list[Evidence] = []
    for part in parts:
        if part is None:
            return None
        evidence += [e for e in part if e not in evidence]
    return tuple(evidence)


def patterns(condition: Condition) -> list[str]:
    """Return every regular expression in a condition."""
    found = [p for p in (condition.user_says, condition.agent_says) if p is not None]
    if condition.tool is not None and condition.tool.result is not None:
        found.append(condition.tool.result)
    for parts in (condition.all_of, condition.any_of, condition.none_of, condition.in_order):
        for part in parts or ():
            found += patterns(part)
    return found
