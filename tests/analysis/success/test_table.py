"""The summary table: what it shows, and that it stays within the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.success.rates import Rates, rates
from pytest_ugst.analysis.success.table import RatesRow, percent, rates_table
from pytest_ugst.analysis.tables import render, render_terminal
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally
from tests.laws import share


def played(goals: int = 30, *, error: int = 0, skip: tuple[Category, ...] = (), unmeasured: int = 0) -> Rates:
    """Goals of which each category keeps another share."""
    made = [
        Tally(
            goal=f"g{i}",
            counts={
                category: Count(1, int(i % (rank + 2) > 0 and i >= error), int(i < error))
                for rank, category in enumerate(Category)
                if category not in skip
            },
        )
        for i in range(goals)
    ]
    return rates([*made, *(Tally(goal=f"u{i}", measured=False) for i in range(unmeasured))])


def drawn(rows: Sequence[RatesRow], *, width: int = 100, heading: str = "") -> str:
    return render_terminal(rates_table(rows, heading=heading), width=width).rstrip("\n")


def test_one_row() -> None:
    table = drawn([RatesRow(label="agenda", rates=played())], width=120)
    lines = table.splitlines()
    assert lines[0].split() == ["Prof.", "Pol.", "T.O.", "Req.", "Pref.", "Avg", "n", "err."]
    assert re.sub(r"\(\S+\)", "", lines[2]).split() == [
        "agenda",
        "50.0",
        "66.7",
        "73.3",
        "80.0",
        "83.3",
        "70.7",
        "150",
        "0",
    ]
    assert re.findall(r"\((\d+)–(\d+)\)", lines[2])[0] == ("33", "67")
    assert lines[3:] == ["rates in percent, with 95% intervals bootstrapped over goals"]


def test_several_rows_in_their_order() -> None:
    rows = [RatesRow(label=name, rates=played(n)) for name, n in (("b", 10), ("a", 20), ("overall", 30))]
    table = drawn(rows, width=120, heading="simulator")
    assert table.startswith("simulator")
    assert [line.split()[0] for line in table.splitlines()[2:5]] == ["b", "a", "overall"]


def test_intervals_go_below_where_there_is_no_room() -> None:
    table = drawn([RatesRow(label="agenda", rates=played())], width=80)
    first, second = table.splitlines()[2:4]
    assert first.split() == ["agenda", "50.0", "66.7", "73.3", "80.0", "83.3", "70.7", "150", "0"]
    assert second.split()[0] == "33–67"


def test_errors_stand_apart() -> None:
    table = drawn([RatesRow(label="agenda", rates=played(error=3, skip=(Category.PREFERENCE,)))])
    assert table.splitlines()[2].split()[-2:] == ["120", "12"]
    assert "without a trustworthy verdict, so no successes: 3 profile, 3 policy, 3 objective, 3 requirement" in table


def test_errors_are_noted_by_row() -> None:
    table = drawn([RatesRow(label="good", rates=played()), RatesRow(label="bad", rates=played(error=1))], width=120)
    assert "\nbad: without a trustworthy verdict" in table
    assert "\ngood: " not in table


def test_what_was_not_measured_shows() -> None:
    assert "2 of 32 episodes could not be measured" in drawn([RatesRow(label="agenda", rates=played(unmeasured=2))])


def test_a_category_that_does_not_occur() -> None:
    lines = drawn([RatesRow(label="agenda", rates=played(skip=(Category.POLICY,)))], width=120).splitlines()
    assert re.sub(r"\(\S+\)", "", lines[2]).split()[2] == "–"


def test_no_interval_from_one_goal() -> None:
    table = drawn([RatesRow(label="agenda", rates=played(1))])
    assert table.splitlines()[2].split() == ["agenda", "0.0", "0.0", "0.0", "0.0", "0.0", "0.0", "5", "0"]
    assert table.endswith("rates in percent")


def test_nothing_played() -> None:
    assert drawn([RatesRow(label="x", rates=rates([]))]).splitlines()[2].split() == ["x", *"––––––", "0", "0"]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=3), st.integers(80, 160), st.integers(1, 40))
@share(0.8)
def test_any_label_fits(labels: list[str], width: int, goals: int) -> None:
    table = drawn([RatesRow(label=label, rates=played(goals, error=1)) for label in labels], width=width)
    body = table.partition("\nrates in percent")[0].splitlines()
    assert max(map(len, body)) <= width
    assert len(body) <= 2 + 2 * len(labels)
    assert "\x1b" not in table


def test_markdown() -> None:
    rows = [
        RatesRow(label="my|model_v2 <b>\x1b[31m\n*x*", rates=played()),
        RatesRow(label="b", rates=played(error=1, unmeasured=1)),
    ]
    text = render([rates_table(rows, heading="simulator")], "markdown")
    lines = text.splitlines()
    assert lines[0].startswith("| simulator")
    assert set(lines[1]) <= set("|-:")
    assert lines[2].startswith(r"| my\|model\_v2 \<b\> \*x\* ")
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 10 for line in lines[:4])
    assert "b: 1 of 31 episodes could not be measured" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.0"), (0.01, "0.1"), (0.05, "0.1"), (33.333, "33.3"), (99.94, "99.9"), (99.99, "99.9"), (100, "100.0")],
)
def test_only_the_whole_looks_whole(value: float, shown: str) -> None:
    assert percent(value) == shown
