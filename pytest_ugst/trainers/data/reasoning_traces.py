"""Reasoning traces for simulators that have none: written from the goal state, for a turn whose words are known.

Appendix A of the paper asks a reasoning for three things: progress from the latest goal state; what remains, and how to
fit it into the turns left; how to stay within profile and policy. Here each is a short sentence that quotes the goal's
parts, so that a small model learns to look things up in its prompt rather than to invent them. The utterance decides
which parts a sentence quotes: the reasoning leads to the utterance.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal_state import ComponentState, GoalState
from pytest_ugst.core.status import Category, Status

_SMALL: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and any are as at be book but by can could do for from give has have i if in is it me my need not of on "
        "or please should some that the there they this to us want we what which will with would you your",
    )
)
_NUMBERS: Final = {
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "single": "1",
    "alone": "1",
}
_MOST_PARTS = 3
"""The largest number of parts of the goal that one sentence quotes."""

_AGENT_ACTS: Final = (
    (
        "done",
        r"\b(?:is|are|been) (?:now )?(?:booked|reserved|cancelled|canceled|changed|confirmed)\b"
        r"|\breference (?:is|number)",
    ),
    (
        "nothing",
        r"\bcan(?:no|')?t find|\bcould(?:n't| not) find|\b(?:no|nothing)\b[^.?!]{0,40}\b(?:match|available|left|found)"
        r"|fully booked|sold out|\bclosed\b|\bunable to\b",
    ),
    ("offer", r"\b(?:shall|should|can|may|could) i (?:book|reserve|cancel|change)|\bwant me to\b|\bwould you like\b"),
    ("inform", r"\banything else\b"),
    ("ask", r"\?"),
)
"""The kinds of agents' messages, each with its pattern; the first that fits counts, and ``inform`` where none does.

English only.
"""
_ACCEPTS: Final = re.compile(r"\b(?:yes|sure|great|perfect|sounds good|book (?:it|that)|go ahead)\b", re.IGNORECASE)
_DECLINES: Final = re.compile(r"^no\b|\b(?:never mind|instead|rather|without|another)\b", re.IGNORECASE)
_REACTIONS: Final = {
    "done": "The agent has done it.",
    "nothing": "The agent found nothing",
    "offer": "The agent offers something",
    "inform": "The agent has told me.",
    "ask": "The agent asks something.",
}

_BEFORE = ("Nothing is done yet.", "I have just begun.")
_NOTHING = ("Nothing is finished yet.", "Nothing is done so far.")
_DONE = ("Done: {}.", "Already done: {}.", "Finished: {}.")
_REFUSED = ("Not possible: {}.", "Tried in vain: {}.")
_BEGUN = ("Under way: {}.", "Not finished: {}.")
_NEXT = ("Next: {}.", "Now: {}.", "Now I go for: {}.")
_TELL = ("I say: {}.", "To mention: {}.")
_ASK = ("I ask for what is missing.", "I ask about it.")
_ANSWER = ("I answer the agent.", "I reply to that.")
_LEFT = ("{turns} messages left, still open: {open}.", "Still open with {turns} messages left: {open}.")
_RULE = ("I keep to this: {}.", "Rule: {}.")
_SELF = ("About me: {}.", "Who I am: {}.")
_ALL_SEEN = ("All parts are settled.", "Everything is settled.", "No part is open.")
_NO_ROOM = ("I can do no more.", "There is no more to be done.")
_BYE = ("I say goodbye before I end.", "Time to say goodbye.")
_END = ("I end the chat with the one word.", "So I send only the word that ends the chat.")


def write_reasoning(
    state: GoalState, before: Conversation, utterance: str, ends: bool, max_turns: int, rng: random.Random
) -> str:
    """Write what a careful user would think before an utterance.

    Args:
        state: The goal state before the turn.
        before: The conversation so far.
        utterance: The words of the turn.
        ends: Whether they end the conversation.
        max_turns: Turns that the conversation may take.
        rng: Chooses the wording.

    Returns:
        A few short sentences on one line.
    """
    words = _words(utterance)
    objectives = [s for s in state if s.category is Category.OBJECTIVE]
    done = [s for s in objectives if _is_done(s, state)]
    refused = [s for s in done if s.status is Status.ATTEMPTED]
    open_ones = [s for s in objectives if s not in done]
    nothing = _NOTHING if before.turns else _BEFORE
    lines = [_progress([s for s in done if s not in refused], refused, rng) or rng.choice(nothing)]
    if ends:
        lines += [rng.choice(_NO_ROOM if open_ones else _ALL_SEEN), rng.choice(_END)]
        return " ".join(lines)
    focus = _focus(open_ones, state, words)
    if before.turns:
        lines.insert(0, _reaction(before.turns[-1].agent or "", utterance, over=focus is None))
    if focus is None:
        lines.append(rng.choice(_NO_ROOM if open_ones else _ALL_SEEN))
        if not _asks(utterance):
            lines.append(rng.choice(_BYE))
    else:
        fresh = not any(_overlap(_words(turn.user), _words(focus.text)) for turn in before.turns)
        lines.append(rng.choice(_NEXT if fresh else _BEGUN).format(_quoted([focus])))
        named = [s for s in _parts(focus, state) if _overlap(words, _words(s.text))]
        otherwise = _ASK if _asks(utterance) else _ANSWER
        lines.append(rng.choice(_TELL).format(_quoted(named)) if named else rng.choice(otherwise))
        later = [s for s in open_ones if s is not focus]
        if later:
            turns = max_turns - len(before.turns)
            lines.append(rng.choice(_LEFT).format(turns=turns, open=_quoted(later)))
    lines += _rules_and_profile(state, words, first=not before.turns, rng=rng)
    return " ".join(lines)


def _reaction(heard: str, utterance: str, *, over: bool) -> str:
    """Return what the agent's last message changes, and what the user makes of it."""
    kind = next((name for name, pattern in _AGENT_ACTS if re.search(pattern, heard, re.IGNORECASE)), "inform")
    reaction = _REACTIONS[kind]
    if kind not in ("offer", "nothing"):
        return reaction
    declines = _DECLINES.search(utterance) is not None
    if kind == "nothing":
        return reaction + (", so I leave it." if over else ", so I change what I ask for." if declines else ".")
    if _ACCEPTS.search(utterance) and not declines:
        return f"{reaction} and I take it."
    if over:
        return f"{reaction} that I don't need."
    return reaction + (", but I want something else." if declines else "; I ask first.")


def _progress(done: Sequence[ComponentState], refused: Sequence[ComponentState], rng: random.Random) -> str:
    lines = [rng.choice(_DONE).format(_quoted(done))] if done else []
    lines += [rng.choice(_REFUSED).format(_quoted(refused))] if refused else []
    return " ".join(lines)


def _rules_and_profile(state: GoalState, words: set[str], *, first: bool, rng: random.Random) -> list[str]:
    policies = [s for s in state if s.category is Category.POLICY]
    profile = [s for s in state if s.category is Category.PROFILE]
    lines = [rng.choice(_RULE).format(_quoted(policies))] if policies else []
    shown = [s for s in profile if _overlap(words, _words(s.text))]
    if shown or (first and profile):
        lines.append(rng.choice(_SELF).format(_quoted(shown or profile)))
    return lines


def _is_done(objective: ComponentState, state: GoalState) -> bool:
    """Return whether the goal state counts an objective and its requirements as success."""
    needed = [s for s in _parts(objective, state) if s.category is Category.REQUIREMENT]
    return objective.succeeded and all(s.succeeded for s in needed)


def _parts(objective: ComponentState, state: GoalState) -> list[ComponentState]:
    return [s for s in state if s.component.parent == objective.component.id]


def _focus(open_ones: Sequence[ComponentState], state: GoalState, words: set[str]) -> ComponentState | None:
    """Return the open objective that the words are about: the one that shares most with them, the first of equals."""
    if not open_ones:
        return None
    return max(open_ones, key=lambda s: _share([s, *_parts(s, state)], words))


def _share(states: Iterable[ComponentState], words: set[str]) -> int:
    return sum(len(words & _words(s.text)) for s in states)


def _quoted(states: Sequence[ComponentState]) -> str:
    texts = [s.text.strip().rstrip(".!") for s in states[:_MOST_PARTS]]
    return "; ".join(t[:1].lower() + t[1:] if not t.startswith("I ") else t for t in texts)


def _words(text: str) -> set[str]:
    """Return the words of a text to compare: lower case, numbers as digits, plurals as singulars, no small words."""
    found = re.findall(r"[^\W_]+(?::\d\d)?", text.casefold())
    return {_NUMBERS.get(w, w.rstrip("s") if len(w) > 3 else w) for w in found if w not in _SMALL}


def _overlap(one: set[str], other: set[str]) -> bool:
    return bool(one & other)


def _asks(text: str) -> bool:
    return "?" in text
