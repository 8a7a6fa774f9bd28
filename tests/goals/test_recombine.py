"""Tests of goals put together from the parts of others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.cli import main
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.status import Category
from pytest_ugst.goals.files import load_goals
from pytest_ugst.goals.recombine import recombine
from pytest_ugst.roles.builtins import concierge_goals

TRAIN = list(concierge_goals("train"))


@given(st.integers(0, 10_000))
def test_every_part_comes_from_a_goal_and_nothing_contradicts(seed: int) -> None:
    texts = {c.text for goal in TRAIN for c in goal.components or ()}
    for goal in recombine(TRAIN, 5, seed):
        components = goal.components or ()
        assert {c.text for c in components} <= texts
        assert any(c.category is Category.OBJECTIVE for c in components)
        slots = [c.slots for c in components]
        people = {s["people"] for s in slots if "people" in s}
        assert not (any(s.get("alone") for s in slots) and people - {1})
        assert all(people <= {s["party"]} for s in slots if "party" in s)
        for component in components:
            if component.category is not Category.OBJECTIVE:
                assert component.text in goal.text


def test_same_seed_same_goals_and_all_different() -> None:
    goals = recombine(TRAIN, 150, 7)
    assert goals == recombine(TRAIN, 150, 7)
    assert goals != recombine(TRAIN, 150, 8)
    assert len({goal.text for goal in goals}) == len({goal.id for goal in goals}) == 150
    assert all("train" in goal.tags for goal in goals)


def test_more_than_there_are_combinations() -> None:
    with pytest.raises(UsageError, match=r"give \d+ combinations with this seed, 10000 were asked for"):
        recombine(TRAIN[:1], 10_000, 0)


def test_the_command_writes_a_goal_file_and_refuses_test_goals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "more.goal.jsonl"
    assert main(["goals", "recombine", "concierge:train", "--count", "12", "--out", str(out)]) == 0
    assert len(load_goals(out)) == 12
    assert main(["goals", "recombine", "concierge", "--count", "12"]) == 4
    assert "is a test goal; name training goals, such as concierge:train" in capsys.readouterr().err
