"""Tests that goals that are written are read back as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ugst.core.check import Check
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category
from pytest_ugst.goals.files import load_goals
from pytest_ugst.goals.schema import flatten, nest
from pytest_ugst.goals.writer import document, to_jsonl, to_yaml, write_goals
from tests.laws import share
from tests.strategies import goals

several = st.lists(
    goals(parented=True).filter(lambda goal: goal.components != ()),
    min_size=1,
    max_size=3,
    unique_by=lambda goal: goal.id,
)
LOOKS_LIKE = [
    "no",
    "true",
    "~",
    "null",
    "",
    "1",
    "-1.5e3",
    "1.5e3",
    ".5",
    "0x1F",
    "1_000",
    "12:30:45",
    "2024-05-15",
    "<<",
    "=",
]
SHAPES = [
    "a: b",
    "# no comment",
    "- a",
    "? a",
    "'",
    '"',
    "\\n",
    " a ",
    "a\n",
    "\n a\n\n  b \n",
    "\t",
    "\x85\u2028",
    "\ufeff",
    "👋",
]


def sorted_as_read(goal: Goal) -> dict[str, Any]:
    """Return the goal that has to come back: everything, with sub-components in the order of the file format."""
    if goal.components is not None:
        goal = goal.model_copy(update={"components": flatten(nest(goal.components))})
    return goal.model_dump()


@pytest.mark.parametrize("name", ["g.goal.yaml", "g.goal.jsonl"])
@share(0.5)
@given(made=several)
@example(
    made=[Goal(id="no", text="a  b " * 60, tags=tuple(LOOKS_LIKE + SHAPES), data=dict.fromkeys(LOOKS_LIKE + SHAPES))]
)
@example(made=[Goal(id="1", text="word " * 60 + "\n" + "word " * 60, data={"deep": [[[], {}], [{"a": [1]}]]})])
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, name: str, made: list[Goal]) -> None:
    path = tmp_path_factory.getbasetemp() / name
    assert write_goals(path, made) == len(made)
    back = load_goals(path)
    assert [goal.model_dump() for goal in back] == [sorted_as_read(goal) for goal in made]


@given(several)
@share(0.5)
def test_other_readers_take_it_for_the_same(made: list[Goal]) -> None:
    documents = [document(goal) for goal in made]
    assert list(yaml.safe_load_all(to_yaml(made))) == documents  # YAML 1.1
    assert [json.loads(line) for line in to_jsonl(made).split("\n") if line] == documents


def test_what_goes_without_saying_is_left_out() -> None:
    goal = Goal(
        id="trip",
        text="You want to book a room. You never say please.",
        domain="concierge",
        components=(
            Component(id="policy-1", category=Category.POLICY, text="never say please", check=Check(python="polite")),
            Component(id="profile-1", category=Category.PROFILE, text="a scout"),
            Component(id="book", category=Category.OBJECTIVE, text="book a room"),
            Component(id="task-1.requirement-1", category=Category.REQUIREMENT, text="two nights", parent="book"),
            Component(id="cheap", category=Category.PREFERENCE, text="cheap", parent="book", slots={"price": "low"}),
        ),
        tags=("hotel",),
        max_turns=6,
    )
    assert to_yaml([goal]) == (
        "id: trip\n"
        "goal: You want to book a room. You never say please.\n"
        "domain: concierge\n"
        "tags:\n"
        "  - hotel\n"
        "max_turns: 6\n"
        "components:\n"
        "  profile:\n"
        "    - a scout\n"
        "  policy:\n"
        "    - text: never say please\n"
        "      check:\n"
        "        python: polite\n"
        "  task:\n"
        "    - text: book a room\n"
        "      id: book\n"
        "      requirements:\n"
        "        - two nights\n"
        "      preferences:\n"
        "        - text: cheap\n"
        "          id: cheap\n"
        "          slots:\n"
        "            price: low\n"
    )


def test_ids_that_would_be_given_to_others_are_written() -> None:
    swapped = tuple(Component(id=f"policy-{n}", category=Category.POLICY, text=f"rule {n}") for n in (2, 1))
    assert document(Goal(id="g", text="x", components=swapped))["components"] == {
        "policy": [{"text": "rule 2", "id": "policy-2"}, {"text": "rule 1", "id": "policy-1"}]
    }


def test_long_text_is_folded() -> None:
    text = to_yaml([Goal(id="g", text="some words " * 30)])
    assert text.startswith("id: g\ngoal: >-\n  some words")
    assert max(map(len, text.splitlines())) <= 120


def test_what_does_not_fit_the_format(tmp_path: Path) -> None:
    loose = Component(id="r", category=Category.REQUIREMENT, text="two nights")
    with pytest.raises(UsageError, match="the goal 'g' can't be written to a goal file: 'r' is a requirement without"):
        write_goals(tmp_path / "g.goal.yaml", [Goal(id="g", text="x", components=(loose,))])
    assert not list(tmp_path.iterdir())


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a goal file's name ends with \.goal\.yaml or \.goal\.jsonl"):
        write_goals(tmp_path / "goals.json", [])
    with pytest.raises(UsageError, match=r"can't write .*; name a file in a folder you can write"):
        write_goals(Path("/dev/null/g.goal.yaml"), [])
