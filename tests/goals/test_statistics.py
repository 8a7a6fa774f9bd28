"""Tests of the statistics of goal sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.check import Check
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.goals.statistics import SHINGLE, goal_stats, near_duplicates
from tests.factories import make_goal, objective, policy


def goal(name: str, text: str, *components: Component, tags: tuple[str, ...] = ()) -> Goal:
    return make_goal(name, *components, text=text, domain="d", tags=tags)


def test_counts_by_category_kind_and_subject() -> None:
    check = Check.model_validate({"never": {"user_says": "x"}})
    parts = (
        policy("p", check),
        objective("o", slots={"kind": "hotel"}),
        objective("q"),
    )
    stats = goal_stats([goal("a", "one two", *parts, tags=("normal", "impossible")), goal("b", "three")])
    assert stats.goals == 2
    assert stats.components == {"profile": 0, "policy": 1, "objective": 2, "requirement": 0, "preference": 0}
    assert stats.checked["policy"] == 1
    assert stats.checked["objective"] == 0
    assert stats.kinds["impossible"] == 1
    assert stats.about == {"?": 1, "hotel": 1}
    assert stats.objectives_per_goal == {"0": 1, "2": 1}
    assert stats.domains == {"d": 2}


def test_lengths_and_diversity() -> None:
    stats = goal_stats([goal("a", "The cat sat on the mat."), goal("b", "The dog at 19:30.")])
    assert stats.words is not None
    assert (stats.words.least, stats.words.mean, stats.words.most) == (4, 5.0, 6)
    assert stats.vocabulary == 8
    assert stats.distinct_1 == 0.8
    assert stats.distinct_2 == 1.0
    assert stats.windowed_ttr == 0.8


def test_nothing_has_statistics_too() -> None:
    stats = goal_stats([])
    assert stats.words is None
    assert stats.near_duplicate_rate == 0.0
    assert stats.windowed_ttr == 0.0


def test_near_duplicates_are_found() -> None:
    text = "you want to book a table for four people on friday at seven"
    other = "you need a train from ely to cambridge that leaves before noon today"
    assert near_duplicates([text.split(), other.split(), text.replace("seven", "eight").split()]) == [2]
    assert near_duplicates([text.split(), text.split(), text.split()]) == [1, 2]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=8), max_size=12), st.sampled_from([0.3, 0.5, 0.6, 1.0]))
def test_the_short_cut_finds_what_comparing_all_pairs_finds(texts: list[list[str]], alike: float) -> None:
    sets = [{tuple(t[i : i + SHINGLE]) for i in range(max(1, len(t) - SHINGLE + 1))} for t in texts]
    plain = [
        at for at, one in enumerate(sets) if any(len(one & other) >= alike * len(one | other) for other in sets[:at])
    ]
    assert near_duplicates(texts, alike) == plain


@pytest.mark.parametrize("count", [3_000])
def test_many_texts_are_compared(count: int) -> None:
    texts = [[f"w{number}", *f"{number:04}", "and", "so", "on"] for number in range(count)]
    assert near_duplicates(texts) == []
