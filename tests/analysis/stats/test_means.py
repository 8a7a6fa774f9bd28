"""Means over conversations, with intervals over goals."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.stats.means import Mean, Observation, mean


def test_benchmarks_count_equally_and_missing_values_not_at_all() -> None:
    samples = [
        Observation("a", "g1", 1.0),
        Observation("a", "g1", 3.0),
        Observation("a", "g2", 2.0),
        Observation("b", "g1", 4.0),
    ]
    made = mean([*samples, Observation("a", "g3", None)])
    assert (made.value, made.n, made.missing) == (3.0, 4, 1)
    assert (made.low, made.high) == (None, None)  # one goal in b: nothing can be said of its spread
    assert mean([Observation("a", "g", None)]) == Mean(missing=1)
    assert mean([]) == Mean()


def test_interval_is_of_goals_not_of_trials() -> None:
    chance = random.Random(1)
    goals = {f"g{i}": chance.random() for i in range(40)}
    once = mean([Observation("a", goal, value) for goal, value in goals.items()])
    often = mean([Observation("a", goal, value) for goal, value in goals.items() for _ in range(9)])
    assert once.low is not None
    assert once.high is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    # About what theory says: 1.96 standard errors to both sides.
    spread = 2 * 1.96 * (sum((v - (once.value or 0)) ** 2 for v in goals.values()) / 40 / 40) ** 0.5
    assert once.high - once.low == pytest.approx(spread, rel=0.1)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.floats(0, 5)), max_size=12), st.randoms())
def test_order_does_not_matter(drawn: list[tuple[str, str, float]], chance: random.Random) -> None:
    samples = [Observation(*one) for one in drawn]
    shuffled = list(samples)
    chance.shuffle(shuffled)
    assert mean(samples, resamples=20) == mean(shuffled, resamples=20)
