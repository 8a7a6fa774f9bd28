"""The gate reads what a person would write, and reports which rates are below it and by how much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.success.gate import parse_gate
from pytest_ugst.analysis.success.rates import Rates, rates
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally


def played(**percent: int) -> Rates:
    counts = {Category(name): Count(1000, value * 10) for name, value in percent.items()}
    return rates([Tally(goal="a", counts=counts)])


@pytest.mark.parametrize(
    ("text", "floors"),
    [
        ("85", {"avg": 85.0}),
        ("avg=85,policy=50", {"avg": 85.0, "policy": 50.0}),
        (" Prof. = 90 , T.O.=80.5", {"profile": 90.0, "objective": 80.5}),
        ("pol=1,req=0,pref=100", {"policy": 1.0, "requirement": 0.0, "preference": 100.0}),
        ("requirement=7,70", {"requirement": 7.0, "avg": 70.0}),
    ],
)
def test_parse(text: str, floors: dict[str, float]) -> None:
    assert parse_gate(text).floors == floors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no number; write for example avg=85,policy=50"),
        ("85,", "'' is no number"),
        ("polcy=50", "'polcy' is no column; choose from profile, policy, objective, requirement, preference, avg"),
        ("=50", "'' is no column"),
        ("policy=", "'' is no number"),
        ("policy=high", "'high' is no number"),
        ("policy=nan", "nan is no percentage; write a number from 0 to 100"),
        ("policy=101", "101 is no percentage"),
        ("policy=-1", "-1 is no percentage"),
        ("avg=0.85", "0.85 is less than one percent; did you mean avg=85?"),
        ("85,avg=80", "avg is given twice"),
        ("pol=1,policy=2", "policy is given twice"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"--ugst-fail-under={text}: ")


def test_passes() -> None:
    assert parse_gate("avg=85,policy=80").missed(played(profile=90, policy=80)) == []


def test_says_by_how_much() -> None:
    assert parse_gate("avg=90,policy=82.5,profile=90").missed(played(profile=90, policy=80)) == [
        "avg: 85.0 is below 90, by 5",
        "policy: 80.0 is below 82.5, by 2.5",
    ]


def test_the_difference_is_that_of_the_numbers_beside_it() -> None:
    assert parse_gate("avg=85").missed(played(policy=69, requirement=70)) == ["avg: 69.5 is below 85, by 15.5"]


def test_a_near_miss_does_not_look_like_a_hit() -> None:
    near = rates([Tally(goal="a", counts={Category.POLICY: Count(100_000, 84_999)})])
    assert parse_gate("policy=85").missed(near) == ["policy: 84.999 is below 85, by 0.001"]


def test_the_last_bit_of_a_mean_does_not_decide() -> None:
    kept = (508, 941, 884, 985, 932)  # of 1000 each: 85 percent, and 84.99999999999999 in floating point
    got = rates([Tally(goal="a", counts={c: Count(1000, n) for c, n in zip(Category, kept, strict=True)})])
    assert parse_gate("85").missed(got) == []


def test_a_column_without_data_fails() -> None:
    assert parse_gate("pref=0").missed(played(policy=80)) == [
        "preference: no sub-component to measure, and at least 0 was asked for"
    ]


def test_errors_are_named() -> None:
    got = rates([Tally(goal="a", counts={Category.POLICY: Count(10, 7, 2)})])
    assert parse_gate("policy=80").missed(got) == ["policy: 70.0 is below 80, by 10 (2 of 10 are errors)"]


def test_what_was_not_measured_fails() -> None:
    got = rates(
        [
            Tally(goal="a", counts={Category.POLICY: Count(1, 1)}),
            Tally(goal="b", measured=False),
        ]
    )
    assert parse_gate("policy=80").missed(got) == ["1 of 2 episodes could not be measured: no rate covers them"]


@given(st.dictionaries(st.sampled_from(list(COLUMNS)), st.integers(1, 100), min_size=1), st.integers(0, 1000))
def test_misses_exactly_what_is_lower(floors: dict[str, int], successes: int) -> None:
    got = rates([Tally(goal="a", counts=dict.fromkeys(Category, Count(1000, successes)))])
    missed = parse_gate(",".join(f"{name}={floor}" for name, floor in floors.items())).missed(got)
    lower = [name for name, floor in floors.items() if successes < floor * 10]
    assert [message.partition(":")[0] for message in missed] == lower


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        gate = parse_gate(text)
    except UsageError:
        return
    assert gate.floors
    assert all(0 <= floor <= 100 for floor in gate.floors.values())
