"""Paired differences agree with brute force, and keep the laws a comparison has to keep."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ugst.analysis.regression.decision import GateDecision, decide, detectable_drop, parse_margins
from pytest_ugst.analysis.stats import paired
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.stats.paired import MIN_GOALS, Difference, Differences, Pair, differences
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally

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


def even(*changes: float, category: Category = Category.POLICY, kept: float = 0.0) -> list[Pair]:
    """Goals with one sub-component each; what is gained and lost."""
    return [
        Pair(f"g{n}", {category: 1}, {category: kept - min(c, 0)}, {category: kept + max(c, 0)})
        for n, c in enumerate(changes)
    ]


def drawn(goals: int, base: float, new: float, seed: int = 0) -> list[Pair]:
    random = Random(seed)
    made = [(float(random.random() < base), float(random.random() < new)) for _ in range(goals)]
    return [
        Pair(f"g{n}", {Category.POLICY: 1}, {Category.POLICY: b}, {Category.POLICY: a}) for n, (b, a) in enumerate(made)
    ]


@given(pair_lists())
@settings(max_examples=40, deadline=None)
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
@settings(max_examples=30, deadline=None)
def test_order_does_not_matter(pairs: list[Pair], random: Random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert differences(shuffled, resamples=50) == differences(pairs, resamples=50)


@given(pair_lists())
@settings(max_examples=30, deadline=None)
def test_a_run_is_neither_better_nor_worse_than_itself(pairs: list[Pair]) -> None:
    same = [pair._replace(new=pair.base) for pair in pairs]
    found = differences(same, resamples=50)
    assert all(one.value in (None, 0.0) for one in found.columns.values())
    for finding in decide(found, MARGINS):
        assert finding.verdict in (GateDecision.EQUIVALENT, GateDecision.NO_WORSE, GateDecision.INCONCLUSIVE)


@given(pair_lists(), st.sampled_from([1.0, 5.0, 20.0]))
@settings(max_examples=30, deadline=None)
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
@settings(max_examples=20, deadline=None)
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


@pytest.mark.parametrize(
    ("goals", "verdict"), [(MIN_GOALS - 1, GateDecision.INCONCLUSIVE), (MIN_GOALS, GateDecision.REGRESSION)]
)
def test_few_goals_are_inconclusive_whatever_they_say(goals: int, verdict: GateDecision) -> None:
    (finding,) = decide(differences(even(*[-1] * goals), ["policy"]), {"policy": 10})
    assert finding.verdict is verdict
    assert finding.needed == (MIN_GOALS if verdict is GateDecision.INCONCLUSIVE else None)


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


def test_columns_without_data_are_left_out_unless_they_were_named() -> None:
    found = differences(even(*[0] * 20, kept=1))
    assert [f.column for f in decide(found, MARGINS)] == ["policy", "avg"]
    assert [(f.column, f.verdict) for f in decide(found, {"preference": 5})] == [
        ("preference", GateDecision.INCONCLUSIVE)
    ]


def column(value: float, low: float, high: float) -> Differences:
    one = Difference(base=50, new=50 + value, value=value, low=low, high=high, error=(high - low) / 5, goals=100)
    return Differences(columns=dict.fromkeys(COLUMNS, one), goals=100, factor=2.5)


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (-12, -20, -4, GateDecision.REGRESSION),
        (-6, -11.9, -0.1, GateDecision.REGRESSION),
        (-4.9, -9, -0.8, GateDecision.INCONCLUSIVE),  # a drop, though not beyond what is allowed
        (-6, -13, 1, GateDecision.INCONCLUSIVE),
        (1, -6, 8, GateDecision.INCONCLUSIVE),
        (-2, -4, -0.5, GateDecision.EQUIVALENT),
        (0, -4.9, 4.9, GateDecision.EQUIVALENT),
        (2, -4, 8, GateDecision.NO_WORSE),
        (4, 0.5, 7.5, GateDecision.IMPROVEMENT),
        (2, 0.5, 4, GateDecision.EQUIVALENT),
    ],
)
def test_verdicts(value: float, low: float, high: float, verdict: GateDecision) -> None:
    (finding,) = decide(column(value, low, high), {"policy": 5})
    assert finding.verdict is verdict
    assert (finding.needed is not None) == (verdict is GateDecision.INCONCLUSIVE)


@pytest.mark.parametrize("value", [-5, -5 - 2e-15, -5 + 2e-15])
def test_a_drop_of_exactly_what_is_allowed_is_no_regression(value: float) -> None:
    """A drop at the margin is inconclusive however it was rounded, and no number of goals would settle it."""
    (finding,) = decide(column(value, -9, -1), {"policy": 5})
    assert (finding.verdict, finding.needed) == (GateDecision.INCONCLUSIVE, None)


@pytest.mark.parametrize(("value", "size"), [(-6, 6), (1, 5), (-4, 5)])
def test_the_size_that_is_named_is_the_drop_that_was_seen_and_no_less_than_the_margin(
    value: float, size: float
) -> None:
    (finding,) = decide(column(value, value - 7, value + 7), {"policy": 5})
    assert finding.verdict is GateDecision.INCONCLUSIVE
    assert finding.size == size


def test_without_a_margin_every_drop_counts() -> None:
    assert decide(column(-1, -1.5, -0.5), {"policy": 0})[0].verdict is GateDecision.REGRESSION
    inconclusive = decide(column(1, -1, 3), {"policy": 0})[0]
    assert inconclusive.verdict is GateDecision.INCONCLUSIVE
    assert inconclusive.needed is None


def test_the_number_of_goals_that_is_named_would_do() -> None:
    """In a simulation, that many goals distinguish a drop of that size from none in about 9 of 10 cases."""
    few = differences(drawn(60, 0.8, 0.75, seed=3), ["policy"])
    (finding,) = decide(few, {"policy": 10})
    assert finding.verdict is GateDecision.INCONCLUSIVE
    assert finding.needed is not None
    assert finding.size is not None
    seen = 0
    for seed in range(100):
        many = differences(drawn(finding.needed, 0.8, 0.8 - finding.size / 100, seed), ["policy"], resamples=200)
        seen += (many.columns["policy"].high or 0) < 0
    assert 80 <= seen <= 98


def test_the_drop_that_can_be_seen() -> None:
    found = differences(drawn(100, 0.8, 0.8), ["policy"])
    one = found.columns["policy"]
    assert one.high is not None
    assert one.value is not None
    assert detectable_drop(one, found) == pytest.approx((one.high - one.value) * (1 + 1.28155 / found.factor), rel=1e-4)  # type: ignore[operator]
    assert detectable_drop(found.columns["avg"], found) is None


@pytest.mark.parametrize(
    ("text", "margins"),
    [
        ("5", dict.fromkeys(COLUMNS, 5.0)),
        ("avg=2,policy=5", {"policy": 5.0, "avg": 2.0}),
        ("10,avg=5", {**dict.fromkeys(COLUMNS, 10.0), "avg": 5.0}),
        ("Pref.=0", {"preference": 0.0}),
    ],
)
def test_margins(text: str, margins: dict[str, float]) -> None:
    got = parse_margins(text)
    assert got == margins
    assert list(got) == [name for name in COLUMNS if name in margins]
    assert not math.isnan(sum(got.values()))
