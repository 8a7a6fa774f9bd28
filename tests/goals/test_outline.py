"""Tests of the comparison of two decompositions of the same goals."""

from __future__ import annotations

from hypothesis import given

from pytest_ugst.core.goal import Goal
from pytest_ugst.goals.outline import difference, outline
from pytest_ugst.goals.schema import Components, flatten
from tests.strategies import goals


def goal(name: str = "g", **components: object) -> Goal:
    return Goal(id=name, text="Tea.", components=flatten(Components.model_validate(components)))


TASK = {"text": "Buy tea.", "requirements": ["Green."], "preferences": ["Cheap."]}


def test_an_outline() -> None:
    assert outline(goal(profile=["You are Ada."], policy=["Be brief."], task=[TASK, "Leave."])) == [
        "profile: You are Ada.",
        "policy: Be brief.",
        "task: Buy tea.",
        "    requirement: Green.",
        "    preference: Cheap.",
        "task: Leave.",
    ]
    assert outline(Goal(id="g", text="Tea.")) == []


def test_what_differs() -> None:
    old = [goal("a", task=[TASK]), goal("b", task=["Leave."]), goal("c", task=["Stay."])]
    new = [goal("a", task=[{**TASK, "preferences": []}]), goal("b", task=["Leave."]), goal("d", task=["Sing."])]
    assert difference(old, new) == [
        "a:",
        "    task: Buy tea.",
        "        requirement: Green.",
        "  -     preference: Cheap.",
        "c: only in the older one",
        "d: only in the newer one",
    ]


@given(goals())
def test_what_is_the_same_is_left_out(one: Goal) -> None:
    assert difference([one], [one]) == []
