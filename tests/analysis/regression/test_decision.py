"""Decisions on paired differences: what is a regression, and how many goals an answer takes."""

from __future__ import annotations

import math

import pytest

from pytest_ugst.analysis.regression.decision import GateDecision, decide, detectable_drop, parse_margins
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.stats.paired import MIN_GOALS, Difference, Differences, differences
from tests.analysis.stats.pairs import drawn, even

MARGINS = dict.fromkeys(COLUMNS, 10.0)


@pytest.mark.parametrize(
    ("goals", "verdict"), [(MIN_GOALS - 1, GateDecision.INCONCLUSIVE), (MIN_GOALS, GateDecision.REGRESSION)]
)
def test_few_goals_are_inconclusive_whatever_they_say(goals: int, verdict: GateDecision) -> None:
    (finding,) = decide(differences(even(*[-1] * goals), ["policy"]), {"policy": 10})
    assert finding.verdict is verdict
    assert finding.needed == (MIN_GOALS if verdict is GateDecision.INCONCLUSIVE else None)


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
