"""Tests of the two readings of conditions, against brute-force ones."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.check import Condition, ToolMatch
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.judges import conditions as module
from pytest_ugst.judges.conditions import (
    PatternRefusedError,
    call_text,
    compiled,
    find_in_turn,
    find_so_far,
    nests_repeats,
    patterns,
    same,
)

LETTERS = "abc"
words = st.text(LETTERS, max_size=3)
calls = st.builds(
    ToolCall,
    id=st.just("1"),
    name=st.sampled_from(["find", "book"]),
    arguments=st.dictionaries(
        st.sampled_from(["x", "y"]), st.sampled_from([1, "1", "A", "a ", None, True]), max_size=2
    ),
    result=words,
    ok=st.booleans(),
)
turns = st.builds(Turn, user=words, agent=st.none() | words, tool_calls=st.lists(calls, max_size=2).map(tuple))
conversations = st.builds(Conversation, turns=st.lists(turns, max_size=4).map(tuple))

matches = st.builds(
    ToolMatch,
    name=st.sampled_from(["find", "book", "find|book"]),
    args=st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from([1, "a", ["a", 1]]), max_size=1),
    ok=st.sampled_from([True, False, None]),
    result=st.none() | st.sampled_from(list(LETTERS)),
)
leaves = (
    st.builds(Condition, user_says=st.sampled_from(["a", "A", "b", "^c"]))
    | st.builds(Condition, agent_says=st.sampled_from(["a", "b", "c$"]))
    | st.builds(Condition, tool=matches)
)


def _combined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    some = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return (
        st.builds(Condition, all_of=some)
        | st.builds(Condition, any_of=some)
        | st.builds(Condition, none_of=some)
        | st.builds(Condition, in_order=some)
    )


conditions = st.recursive(leaves, _combined, max_leaves=6)


def _leaf(condition: Condition, turn: Turn) -> bool:
    if condition.user_says is not None:
        return bool(re.search(condition.user_says, turn.user, re.I))
    if condition.agent_says is not None:
        return turn.agent is not None and bool(re.search(condition.agent_says, turn.agent, re.I))
    assert condition.tool is not None
    return any(_called(condition.tool, call) for call in turn.tool_calls)


def _called(match: ToolMatch, call: ToolCall) -> bool:
    right = call.name in match.name.split("|") and match.ok in (None, call.ok)
    for name, expected in match.args.items():
        members = expected if isinstance(expected, list) else [expected]
        right = right and name in call.arguments and any(_equal(m, call.arguments[name]) for m in members)
    return right and (match.result is None or bool(re.search(match.result, call.result, re.I)))


def _equal(expected: object, actual: object) -> bool:
    """Equality over the few values the strategies above draw."""
    spelled: dict[object, str] = {1: "1", "1": "1", "A": "a", "a": "a", "a ": "a"}
    return actual is not True and actual is not None and spelled[expected] == spelled[actual]


def _parts(condition: Condition) -> Sequence[Condition]:
    return condition.all_of or condition.any_of or condition.none_of or condition.in_order or ()


def brute_turn(condition: Condition, turn: Turn) -> bool:
    parts = [brute_turn(part, turn) for part in _parts(condition)]
    if not parts:
        return _leaf(condition, turn)
    if condition.any_of is not None:
        return any(parts)
    return not any(parts) if condition.none_of is not None else all(parts)


def brute_so_far(condition: Condition, conversation: Conversation) -> bool:
    if condition.in_order is not None:
        choices = itertools.combinations_with_replacement(conversation.turns, len(condition.in_order))
        return any(all(map(brute_turn, condition.in_order, chosen)) for chosen in choices)
    parts = [brute_so_far(part, conversation) for part in _parts(condition)]
    if not parts:
        return any(_leaf(condition, turn) for turn in conversation.turns)
    if condition.any_of is not None:
        return any(parts)
    return not any(parts) if condition.none_of is not None else all(parts)


@given(conditions, turns)
def test_one_turn_agrees_with_a_brute_force_reading(condition: Condition, turn: Turn) -> None:
    assert (find_in_turn(condition, turn, 1) is not None) is brute_turn(condition, turn)


@given(conditions, conversations)
def test_the_conversation_so_far_agrees_with_a_brute_force_reading(
    condition: Condition, conversation: Conversation
) -> None:
    assert (find_so_far(condition, conversation) is not None) is brute_so_far(condition, conversation)


@given(leaves, conversations)
def test_the_evidence_is_where_it_says(leaf: Condition, conversation: Conversation) -> None:
    for evidence in find_so_far(leaf, conversation) or ():
        turn = conversation.turns[evidence.turn - 1]
        assert find_in_turn(leaf, turn, evidence.turn) == (evidence,)
        if evidence.speaker == "tool":
            assert evidence.quote in {call_text(call) for call in turn.tool_calls}
        else:
            assert evidence.quote in {" ".join((turn.user if evidence.speaker == "user" else turn.agent or "").split())}


def test_quotes_are_cut_between_words_around_the_match() -> None:
    text = (
        "One word after another comes along here until at last the friday table is mentioned, and then more follows on."
    )
    found = find_in_turn(Condition(user_says="friday"), Turn(user=text), 3)
    assert found is not None
    assert found[0].turn == 3
    assert found[0].quote == "… comes along here until at last the friday table is mentioned, and then more …"


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        ("Friday", " friday ", True),
        (4, "4", True),
        ("4.0", 4, True),
        (4, 5, False),
        (True, True, True),
        (True, "true", True),
        (True, 1, False),
        (1, True, False),
        (False, 0, False),
        (None, None, True),
        (None, "none", False),
        (["18:00", "18:30"], "18:30", True),
        ([1, "two"], 2, False),
        ([1, 2], [1, 2], True),
        ({"a": 1}, {"a": 1}, True),
        (10**400, 10**400, True),
        (10**400, 1, False),
        ("", 0, False),
    ],
)
def test_arguments(expected: Any, actual: Any, equal: bool) -> None:
    assert same(expected, actual) is equal


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(?:\w+\s*)*x", r"((a|b)*c?)*", r"(x{2,})+", r"(a*){50}", r"(.*,){,90}z", r"(?P<n>[^)]+)*"]
)
def test_a_pattern_that_could_run_for_ever_is_refused(pattern: str) -> None:
    assert nests_repeats(pattern)
    with pytest.raises(PatternRefusedError, match="bound the outer one"):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)?",
        r"(?:\w+ ){0,4}table",
        r"[(a+)]+",
        r"\(a+\)+",
        r"(abc)+ (def)*",
        r"a+b*c{2,}",
        r"[]+)]+(x)",
        r"(a++)+b?+",
    ],
)
def test_an_ordinary_pattern_is_not(pattern: str) -> None:
    assert not nests_repeats(pattern)
    assert compiled(pattern).pattern == pattern


@given(st.text(string.printable, max_size=40))
def test_looking_at_a_pattern_never_fails(pattern: str) -> None:
    assert nests_repeats(pattern) in (True, False)


def test_patterns_are_found_at_any_depth() -> None:
    condition = Condition.model_validate(
        {"all_of": [{"user_says": "a"}, {"none_of": [{"tool": {"name": "x", "result": "b"}}, {"agent_says": "c"}]}]}
    )
    assert patterns(condition) == ["a", "b", "c"]


def test_a_search_that_takes_too_long_is_given_up_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SECONDS", 0.05)
    pattern, text = r"(?:a+){1,40}b", "a" * 40
    conversation = Conversation(turns=(Turn(user=text, agent="yes"),))
    with pytest.raises(PatternRefusedError, match="took more than"):
        find_so_far(Condition(user_says=pattern), conversation)
    monkeypatch.setattr(module, "MAX_SECONDS", 1e9)
    with pytest.raises(PatternRefusedError, match="took more than"):
        find_so_far(Condition(user_says=pattern), conversation)
