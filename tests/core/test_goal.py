"""Goals, sub-components and checks are validated at the door, with words that say what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.goal import RULES_BY_CATEGORY, Component, Goal
from pytest_ugst.core.status import Category
from tests.factories import ONE_OF_EACH, make_goal

SAYS: dict[str, Any] = {"user_says": "window seat"}
RULES = ("never", "every", "once", "aligned", "complete", "attempted")


def component(id: str, category: str, parent: str | None = None) -> Component:
    return Component(id=id, category=Category(category), text="some words", parent=parent)


@pytest.mark.parametrize("name", ["a", "A-1", "book_hotel.2", "0", "x" * 120])
def test_identifiers(name: str) -> None:
    assert Goal(id=name, text="Book a room.").id == name


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "../a", "a\n", "ä", "x" * 121])
def test_bad_identifiers(name: str) -> None:
    with pytest.raises(ValidationError, match="id"):
        Goal(id=name, text="Book a room.")


@pytest.mark.parametrize("text", ["", "  \n", "x" * 20_001])
def test_bad_text(text: str) -> None:
    with pytest.raises(ValidationError, match="text"):
        Goal(id="g", text=text)


def test_text_is_stripped() -> None:
    assert Goal(id="g", text="  Book a room.\n").text == "Book a room."


@pytest.mark.parametrize("turns", [0, -1, 201])
def test_bad_turn_limit(turns: int) -> None:
    with pytest.raises(ValidationError, match="max_turns"):
        Goal(id="g", text="Book a room.", max_turns=turns)


def test_unknown_field() -> None:
    with pytest.raises(ValidationError, match="component"):
        Goal.model_validate({"id": "g", "text": "Book a room.", "component": []})


def test_records_do_not_change() -> None:
    goal = Goal(id="g", text="Book a room.")
    with pytest.raises(ValidationError, match="frozen"):
        goal.text = "Book two."  # type: ignore[misc]


def test_a_component_id_occurs_once() -> None:
    with pytest.raises(ValidationError, match="the id 'a' occurs twice"):
        Goal(id="g", text="x", components=(component("a", "profile"), component("a", "policy")))


@pytest.mark.parametrize("category", ["requirement", "preference"])
def test_parents_may_come_later(category: str) -> None:
    goal = Goal(id="g", text="x", components=(component("a", category, "b"), component("b", "objective")))
    assert goal.components is not None
    assert goal.components[0].parent == "b"


@pytest.mark.parametrize("category", ["profile", "policy", "objective"])
def test_only_requirements_and_preferences_have_parents(category: str) -> None:
    with pytest.raises(ValidationError, match=f"'a' is a {category} and takes no parent"):
        Goal(id="g", text="x", components=(component("a", category, "b"), component("b", "objective")))


@pytest.mark.parametrize("parent", ["nobody", "b", "a"])
def test_parents_are_objectives(parent: str) -> None:
    with pytest.raises(ValidationError, match=f"'a' names '{parent}', which is no objective"):
        Goal(id="g", text="x", components=(component("a", "requirement", parent), component("b", "profile")))


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("rule", RULES)
def test_rules_fit_the_category(category: Category, rule: str) -> None:
    check = Check.model_validate({rule: SAYS})
    if rule in RULES_BY_CATEGORY[category]:
        assert Component(id="a", category=category, text="x", check=check).check == check
        return
    with pytest.raises(ValidationError, match=f"{rule} does not apply to a {category} \\(use "):
        Component(id="a", category=category, text="x", check=check)


@pytest.mark.parametrize("category", Category)
def test_a_python_check_fits_every_category(category: Category) -> None:
    Component(id="a", category=category, text="x", check=Check(python="polite", args={"limit": 2}))


@pytest.mark.parametrize(
    ("check", "shown"),
    [
        ({}, "takes rules .* or python"),
        ({"python": "polite", "never": SAYS}, "takes rules .* or python"),
        ({"never": SAYS, "args": {"limit": 2}}, "args are only for a python check"),
        ({"never": {}}, "exactly one of .* got none"),
        ({"never": {**SAYS, "agent_says": "no"}}, "exactly one of .* got user_says, agent_says"),
        ({"never": {"user_says": "("}}, "not a regular expression"),
        ({"never": {"user_says": "x" * 2_001}}, "longer than 2000 characters"),
        ({"never": {"all_of": []}}, "at least 1 item"),
        ({"never": {"any_of": []}}, "at least 1 item"),
        ({"never": {"none_of": [SAYS, {"in_order": []}]}}, "at least 1 item"),
        ({"never": {"tool": {"args": {}}}}, "name"),
        ({"never": {"tool": {"name": "book", "result": "["}}}, "not a regular expression"),
        ({"never": {"says": "x"}}, "says"),
    ],
)
def test_bad_checks(check: dict[str, Any], shown: str) -> None:
    with pytest.raises(ValidationError, match=shown):
        Check.model_validate(check)


def test_conditions_nest() -> None:
    condition = Condition.model_validate({"in_order": [SAYS, {"any_of": [SAYS, {"tool": {"name": "book|reserve"}}]}]})
    assert condition.in_order is not None
    assert condition.in_order[1].any_of is not None
    tool = condition.in_order[1].any_of[1].tool
    assert tool is not None
    assert (tool.name, tool.ok) == ("book|reserve", True)


def test_fully_checked() -> None:
    check = Check(python="polite")
    checked = Component(id="a", category=Category.POLICY, text="x", check=check)
    assert Goal(id="g", text="x", components=(checked,)).fully_checked
    assert not Goal(id="g", text="x", components=(checked, component("b", "policy"))).fully_checked
    assert not Goal(id="g", text="x").fully_checked


def test_a_goal_tells_its_parts_what_they_belong_to() -> None:
    goal = make_goal("g", *ONE_OF_EACH)
    again = Goal.model_validate(goal.model_dump())
    assert again == goal
    assert [c.parent_text for c in again.components or ()] == [None, None, None, "Book a room.", "Book a room."]
    assert "parent_text" not in goal.model_dump_json()
