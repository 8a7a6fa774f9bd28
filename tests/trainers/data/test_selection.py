"""The examples that are kept of recorded conversations."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Closing
from pytest_ugst.core.status import Category
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.data.examples import Example, examples_of
from pytest_ugst.trainers.data.selection import (
    aligned,
    aligned_turns,
    balance_categories,
    balance_goals,
    hold_out,
    keep_examples,
    moved_categories,
    within_limit,
    without_duplicates,
)
from tests.factories import ENDED
from tests.trainers.supper_episodes import supper, verdicts

PROMPTS = Prompts.load()
TOGETHER = Closing(text="And is there a museum? TERMINATE", separate=False, asked=True)


def rows(name: str = "supper") -> list[Example]:
    return list(examples_of(supper(name), PROMPTS))


@pytest.mark.parametrize(
    ("episode", "whole", "turns"),
    [
        (supper(), True, 3),
        (supper(shouts=1), False, 0),
        (supper(shouts=2), False, 1),
        (supper(closing=None), False, 2),  # never ended
        (supper(closing=TOGETHER), False, 1),  # asked and left
        (supper(closing=ENDED.model_copy(update={"before_reply": True})), False, 2),
        (supper(verdicts=verdicts()[:-1]), False, 2),  # the last verdict on the museum is missing
        (supper(verdicts=(*verdicts()[:-1], Verdict(component="museum", turn=2, error="x"))), False, 1),
    ],
)
def test_what_stayed_aligned(episode: object, whole: bool, turns: int) -> None:
    assert aligned(episode) == whole  # type: ignore[arg-type]
    assert aligned_turns(episode) == turns  # type: ignore[arg-type]


def test_keeping_episodes_turns_or_all() -> None:
    episode = supper(shouts=2)
    made = list(examples_of(episode, PROMPTS))
    assert keep_examples(episode, made, "episodes") == []
    assert [row.turn for row in keep_examples(episode, made, "turns")] == [1]
    assert keep_examples(episode, made, "all") == made


def test_doubles_go_and_the_first_stays() -> None:
    once = rows()
    assert without_duplicates([*once, *once]) == once


def test_rows_over_the_limit_go() -> None:
    made = rows()
    assert within_limit(made, 1, lambda row: row.turn) == made[:1]


def test_what_a_turn_moves() -> None:
    episode = supper()
    assert moved_categories(episode, 1) == {Category.OBJECTIVE, Category.REQUIREMENT}
    assert moved_categories(episode, 2) == {Category.OBJECTIVE}
    assert moved_categories(episode, 3) == frozenset()


def test_goals_are_balanced_by_their_episodes() -> None:
    made = rows() + rows("other") + rows("other@2") + rows("other@3")
    kept = balance_goals(made, 0)
    assert Counter(row.goal for row in kept) == {"supper": 3, "other": 3}
    assert kept == balance_goals(made, 0)


def test_common_moves_are_thinned_out_and_other_rows_stay() -> None:
    episodes = {name: supper(name) for name in ("a", *(f"b@{n}" for n in range(2, 12)))}
    made = [row for name in episodes for row in examples_of(episodes[name], PROMPTS) if name == "a" or row.turn != 1]
    kept = balance_categories(made, episodes, 0)
    counts = Counter(c for row in kept for c in moved_categories(episodes[row.episode], row.turn))
    assert counts == {Category.OBJECTIVE: 2, Category.REQUIREMENT: 1}
    assert sum(row.turn == 3 for row in kept) == 11


@given(st.sets(st.text(max_size=3)), st.floats(0, 0.99), st.integers(0, 9))
def test_goals_held_out(goals: set[str], share: float, seed: int) -> None:
    apart = hold_out(goals, share, seed)
    assert apart <= goals
    assert apart == hold_out(sorted(goals, reverse=True), share, seed)
    if goals:
        assert apart != goals
    if share > 0 and len(goals) > 1:
        assert abs(len(apart) - share * len(goals)) <= 1
    else:
        assert not apart
