"""Paired differences agree with brute force, and keep the laws a comparison has to keep."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.regression.decision import GateDecision, decide
from pytest_ugst.analysis.stats import paired
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.stats.paired import MIN_GOALS, Pair, differences
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally
from tests.analysis.stats.pairs import drawn, even
from tests.laws import share

MARGINS = dict.fromkeys(COLUMNS, 10.0)


@st.composite
def pair_lists(draw: st.DrawFn, least: int = 0) -> list[Pair]:
    """Goals with up to three sub-components of some categories, played twice."""
    made = []
    for number in range(draw(st.integers(least, 14))):
        totals = draw(st.dictionaries(st.sampled_from(Category), st.integers(1, 3), max_size=5))
        sides = [{c: draw(st.integers(0, 2 * n)) / 2 for c, n in totals.items()} for _ in range(2)]
        made.append(Pair(f"g{number}", totals, *sides))
    return made


@given(pair_lists())
@share(0.6)
def test_rates_are_those_of_the_tables(pairs: list[Pair]) -> None:
    found = differences(pairs, resamples=20)
    for side in ("base", "new"):
        tallies = [
            Tally(goal=p.goal, counts={c: Count(2 * int(n), int(2 * getattr(p, side)[c])) for c, n in p.totals.items()})
            for p in pairs
        ]
        for name, rate in rates(tallies, resamples=0).columns.items():
            assert getattr(found.columns[name], side) == (None if rate.value is None else pytest.approx(rate.value))
    for one in found.columns.values():
        if one.value is not None:
            assert one.base is not None
            assert one.new is not None
            assert one.value == pytest.approx(one.new - one.base)
            assert one.better + one.worse <= one.goals


@given(pair_lists(), st.randoms())
@share(0.6)
def test_order_does_not_matter(pairs: list[Pair], random: Random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert differences(shuffled, resamples=50) == differences(pairs, resamples=50)


@given(pair_lists())
@share(0.6)
def test_a_run_is_neither_better_nor_worse_than_itself(pairs: list[Pair]) -> None:
    same = [pair._replace(new=pair.base) for pair in pairs]
    found = differences(same, resamples=50)
    assert all(one.value in (None, 0.0) for one in found.columns.values())
    for finding in decide(found, MARGINS):
        assert finding.verdict in (GateDecision.EQUIVALENT, GateDecision.NO_WORSE, GateDecision.INCONCLUSIVE)


@given(pair_lists(), st.sampled_from([1.0, 5.0, 20.0]))
@share(0.6)
def test_exchanging_base_and_new_changes_signs(pairs: list[Pair], margin: float) -> None:
    there = differences(pairs, resamples=50)
    back = differences([p._replace(base=p.new, new=p.base) for p in pairs], resamples=50)
    for name, one in there.columns.items():
        other = back.columns[name]
        assert (one.base, one.new, one.better, one.worse) == (other.new, other.base, other.worse, other.better)
        assert (one.value, one.low, one.high) == pytest.approx(
            (_minus(other.value), _minus(other.high), _minus(other.low))
        )
    margins = dict.fromkeys(COLUMNS, margin)
    for finding, mirrored in zip(decide(there, margins), decide(back, margins), strict=True):
        if finding.verdict is GateDecision.REGRESSION:
            assert mirrored.verdict is GateDecision.IMPROVEMENT
        if finding.verdict is GateDecision.EQUIVALENT:
            assert mirrored.verdict is GateDecision.EQUIVALENT


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


@given(pair_lists(least=2), st.integers(0, 3))
@share(0.4)
def test_deviations_agree_with_drawing_goals_by_hand(pairs: list[Pair], seed: int) -> None:
    """The matrix products against a direct reading of ratio, linearised variance and their mean."""
    pairs = [pair for pair in pairs if pair.totals]
    if len(pairs) < 2:
        return
    totals = np.array([[p.totals.get(c, 0.0) for c in Category] for p in pairs])
    changes = np.array([[p.new.get(c, 0.0) - p.base.get(c, 0.0) for c in Category] for p in pairs])
    for times in np.random.default_rng(seed).multinomial(len(pairs), [1 / len(pairs)] * len(pairs), size=5):
        again = np.repeat(np.arange(len(pairs)), times)
        d, n = changes[again], totals[again]
        there = n.sum(axis=0) > 0
        rate = np.where(there, d.sum(axis=0) / np.where(there, n.sum(axis=0), 1), 0)
        parts = np.where(there, (d - rate * n) / np.where(there, n.sum(axis=0), 1), 0)
        parts = np.column_stack([parts, parts[:, there].mean(axis=1)])
        got = paired._moments(times[None].astype(float) @ paired._products(totals, changes), len(pairs))
        assert got[0][0] == pytest.approx(100 * np.append(rate, rate[there].mean()))
        assert got[1][0] == pytest.approx(1e4 * (parts**2).sum(axis=0) * len(pairs) / (len(pairs) - 1), abs=1e-6)


def test_intervals_are_as_wide_as_theory_says() -> None:
    found = differences(drawn(400, 0.8, 0.8), ["policy"]).columns["policy"]
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * 100 * (2 * 0.8 * 0.2 / 400) ** 0.5, rel=0.12)


def test_looking_at_more_columns_widens_the_intervals() -> None:
    random = Random(3)
    pairs = [
        Pair(f"g{n}", dict.fromkeys(Category, 1), *({c: random.choice([0, 1]) for c in Category} for _ in range(2)))
        for n in range(60)
    ]
    one, six = differences(pairs, ["policy"]), differences(pairs)
    assert one.factor is not None
    assert six.factor is not None
    assert 1.95 < one.factor < 2.2
    assert 2.3 < six.factor < 2.8  # Bonferroni: 2.64 and a little for the number of goals
    assert one.columns["avg"].low is None
    assert one.columns["avg"].value == six.columns["avg"].value


@pytest.mark.parametrize("goals", [8, 30, 150, 600])
def test_no_change_in_few_goals_is_no_proof_of_equality(goals: int) -> None:
    """The interval of a single column without any change is about that of the rule of three."""
    found = differences(even(*[0] * goals, kept=1), ["policy"]).columns["policy"]
    assert (found.base, found.new, found.value) == (100, 100, 0)
    assert found.high == pytest.approx(100 * (1 - 0.025 ** (1 / goals)), rel=0.13)
    assert found.low == -found.high  # type: ignore[operator]


def test_a_single_small_change_is_no_proof_either() -> None:
    none = differences(even(*[0] * 30, kept=1), ["policy"]).columns["policy"]
    small = differences(
        [*even(*[0] * 29, kept=1), Pair("h", {Category.POLICY: 1}, {Category.POLICY: 1}, {Category.POLICY: 0.9})],
        ["policy"],
    )
    assert small.columns["policy"].low is not None
    assert none.low is not None
    assert small.columns["policy"].low < none.low / 2


def test_a_column_of_few_goals_has_no_interval_beside_others_that_have() -> None:
    few = MIN_GOALS - 1
    pairs = [
        Pair(f"g{n}", {Category.POLICY: 1} | ({Category.PROFILE: 1} if n < few else {}), {Category.POLICY: n % 2}, {})
        for n in range(30)
    ]
    found = differences(pairs).columns
    assert (found["profile"].goals, found["profile"].low) == (few, None)
    assert found["policy"].low is not None
    assert found["avg"].low is not None


def test_nothing_to_compare() -> None:
    found = differences([])
    assert set(found.columns) == set(COLUMNS)
    assert found.factor is None
    for finding in decide(found, MARGINS):
        assert finding.verdict is GateDecision.INCONCLUSIVE
