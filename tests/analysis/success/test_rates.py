"""Success rates agree with a brute-force reading of their definition."""

from __future__ import annotations

import statistics
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.stats import bootstrap
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.success.rates import Rates, rates
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally, tally
from tests.laws import share
from tests.strategies import episodes, tallies

CATEGORIES = ["profile", "policy", "objective", "requirement", "preference"]


def even(goals: int, trials: int = 1, *, p: float = 0.8) -> list[Tally]:
    """Goals with one policy each, kept or broken in all of a goal's trials alike."""
    random = Random(7)
    return [
        Tally(goal=f"g{i}", trial=trial + 1, counts={Category.POLICY: Count(1, kept)})
        for i in range(goals)
        for kept in [int(random.random() < p)]
        for trial in range(trials)
    ]


@given(st.lists(episodes(bare=True), max_size=4))
@share(0.5)
def test_pooled_over_all_episodes(played: list[Episode]) -> None:
    got = rates(map(tally, played), resamples=0)
    means = []
    for category in CATEGORIES:
        ends = [s for e in played for s in e.final_state if s.component.category == category]
        good = [s for s in ends if s.error is None and s.status in ("ALIGNED", "ATTEMPTED", "COMPLETE")]
        rate = got.columns[category]
        assert (rate.n, rate.successes) == (len(ends), len(good))
        assert rate.errors == sum(s.error is not None for s in ends)
        assert rate.successes + rate.errors <= rate.n
        assert rate.value == (pytest.approx(100 * len(good) / len(ends)) if ends else None)
        means += [rate.value] if rate.value is not None else []
    assert got.average.value == (pytest.approx(statistics.fmean(means)) if means else None)
    assert got.average.n == sum(len(e.final_state) for e in played)
    assert got.episodes == len(played)
    assert got.goals == len({e.goal.id for e in played})
    assert got.unmeasured == sum(not e.goal.components for e in played)


@given(st.lists(tallies, max_size=8), st.integers(0, 5))
@share(0.5)
def test_intervals_agree_with_repeating_goals_by_hand(made: list[Tally], seed: int) -> None:
    resamples = 40
    got = rates(made, resamples=resamples, seed=seed)
    goals = sorted({t.goal for t in made if any(count.total for count in t.counts.values())})
    drawn: dict[str, list[float]] = {name: [] for name in COLUMNS}
    having = {
        name: {t.goal for t in made if t.counts and (name == "avg" or Category(name) in t.counts)} for name in COLUMNS
    }
    rng = np.random.default_rng(seed)
    for times in rng.multinomial(len(goals), [1 / len(goals)] * len(goals), size=resamples) if goals else []:
        again = [t for goal, n in zip(goals, times, strict=True) for t in made if t.goal == goal for _ in range(n)]
        for name, rate in rates(again, resamples=0).columns.items():
            drawn[name] += [rate.value] if rate.value is not None else []
    for name, rate in got.columns.items():
        if len(having[name]) < 2 or not drawn[name]:
            assert rate.low is None
            assert rate.high is None
        else:
            assert rate.low == pytest.approx(np.percentile(drawn[name], 2.5))
            assert rate.high == pytest.approx(np.percentile(drawn[name], 97.5))


@given(st.lists(tallies, max_size=8), st.randoms())
@share(0.6)
def test_order_does_not_matter(made: list[Tally], random: Random) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    assert rates(shuffled, resamples=50) == rates(made, resamples=50)


def test_rates_survive_being_written() -> None:
    got = rates(even(10))
    assert Rates.model_validate_json(got.model_dump_json()) == got


def test_the_average_is_over_the_categories_that_occur() -> None:
    got = rates(
        [
            Tally(goal="a", counts={Category.PROFILE: Count(9, 9), Category.POLICY: Count(1, 0)}),
            Tally(goal="b", counts={Category.PROFILE: Count(1, 1)}),
        ]
    )
    assert got.columns["profile"].value == 100
    assert got.columns["policy"].value == 0
    assert got.average.value == 50  # not 10 of 11
    assert got.columns["preference"].value is None
    assert got.columns["policy"].low is None  # one goal alone says nothing about the spread


def test_nothing_played() -> None:
    got = rates([])
    assert [rate.value for rate in got.columns.values()] == [None] * 6
    assert list(got.columns) == [*CATEGORIES, "avg"]


def test_intervals_are_as_wide_as_theory_says() -> None:
    rate = rates(even(400)).columns["policy"]
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    half = 1.96 * (rate.value * (100 - rate.value) / 400) ** 0.5  # the normal approximation for independent goals
    assert rate.low == pytest.approx(rate.value - half, abs=1)
    assert rate.high == pytest.approx(rate.value + half, abs=1)


def test_more_trials_of_the_same_goals_are_not_more_goals() -> None:
    once, often, wider = (rates(made).average for made in (even(20), even(20, trials=5), even(100)))
    assert (once.value, once.low, once.high) == (often.value, often.low, often.high)
    assert once.low is not None
    assert once.high is not None
    assert wider.low is not None
    assert wider.high is not None
    assert wider.high - wider.low < (once.high - once.low) * 0.7


def test_blocks_of_resamples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rates(even(30))
    monkeypatch.setattr(bootstrap, "CELLS", 70)
    assert rates(even(30)) == whole
