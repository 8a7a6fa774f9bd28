"""Tools: schemas from types and docstrings, and calls that never raise for what an agent writes."""

from __future__ import annotations

import doctest
import importlib
import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from pytest_ugst.domains import toolbox
from pytest_ugst.domains.toolbox import Toolbox, ToolError, tool


class Item(BaseModel):
    """An element of a list argument."""

    id: str
    count: int = 1


class Reservations:
    """A class with three tools."""

    def __init__(self) -> None:
        self.log: list[object] = []

    @tool
    def reserve(self, name: str, day: Literal["monday", "friday"], people: int, note: str | None = None) -> str:
        """Reserve a table.

        Only when asked to.

        Args:
            name: The place's
                exact name.
            day: The day.
            people: How many.
            note: Wishes.

        Returns:
            Nothing that a model needs to know.
        """
        self.log.append((name, day, people, note))
        return f"reserved {name}"

    @tool
    def order(self, items: list[Item], weights: list[float], express: bool = False) -> dict[str, Any]:
        """Order things."""
        return {"n": sum(item.count for item in items), "weight": sum(weights), "express": express}

    @tool
    def refuse(self) -> str:
        """Refuse."""
        raise ToolError("there is nothing here.")

    def private(self) -> str:
        return "no tool"


BOX = Toolbox(Reservations)


def test_the_example_in_the_documentation_runs() -> None:
    results = doctest.testmod(toolbox)
    assert results.failed == 0
    assert results.attempted >= 15


def test_the_schema_comes_from_types_and_docstring() -> None:
    spec = BOX.specs[0].openai()["function"]
    assert spec["name"] == "reserve"
    assert spec["description"] == "Reserve a table. Only when asked to."
    assert spec["parameters"] == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The place's exact name."},
            "day": {"type": "string", "enum": ["monday", "friday"], "description": "The day."},
            "people": {"type": "integer", "description": "How many."},
            "note": {"type": "string", "description": "Wishes."},
        },
        "required": ["name", "day", "people"],
        "additionalProperties": False,
    }


def test_only_marked_methods_are_tools_in_their_order() -> None:
    assert [spec.name for spec in BOX.specs] == ["reserve", "order", "refuse"]


def test_nested_models_come_with_their_definitions() -> None:
    parameters = BOX.specs[1].parameters
    assert parameters["properties"]["items"] == {"type": "array", "items": {"$ref": "#/$defs/Item"}}
    assert parameters["$defs"]["Item"]["required"] == ["id"]
    assert json.dumps(parameters)


def test_a_call_runs_the_method_and_left_out_arguments_take_their_defaults() -> None:
    reservations = Reservations()
    result = BOX.call(reservations, "reserve", {"name": "X", "day": "friday", "people": 2})
    assert (result.text, result.ok) == ("reserved X", True)
    BOX.call(reservations, "reserve", {"name": "X", "day": "friday", "people": 2, "note": None})
    assert reservations.log == [("X", "friday", 2, None)] * 2


def test_results_become_json_and_an_integer_is_a_number() -> None:
    result = BOX.call(Reservations(), "order", {"items": [{"id": "a"}, {"id": "b", "count": 2}], "weights": [1, 0.5]})
    assert json.loads(result.text) == {"n": 3, "weight": 1.5, "express": False}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "X", "day": "friday"}, "people is missing"),
        ({"name": "X", "day": "friday", "people": "2"}, "people: input should be a valid integer, not '2'"),
        ({"name": "X", "day": "friday", "people": True}, "people: input should be a valid integer"),
        ({"name": "X", "day": "Sunday", "people": 2}, "day: input should be 'monday' or 'friday', not 'Sunday'"),
        ({"name": "X", "day": "friday", "people": 2, "time": "9"}, "no argument 'time' (there are: name, day,"),
        ([1], "the arguments are no JSON object"),
    ],
)
def test_bad_arguments_are_an_error_result_that_says_what_is_wrong(arguments: Any, says: str) -> None:
    reservations = Reservations()
    result = BOX.call(reservations, "reserve", arguments)
    assert not result.ok
    assert result.text.startswith("Error: reserve: ")
    assert says in result.text
    assert reservations.log == []


def test_an_unknown_tool_and_a_refusal_are_error_results() -> None:
    assert (
        "there is no tool 'private'; there are reserve, order, refuse" in BOX.call(Reservations(), "private", {}).text
    )
    result = BOX.call(Reservations(), "refuse", {})
    assert (result.text, result.ok) == ("Error: there is nothing here.", False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(["reserve", "order", "refuse", "nope"]),
    st.dictionaries(st.sampled_from(["name", "day", "people", "items", "weights", "x"]), JSON, max_size=4),
)
def test_no_arguments_at_all_make_a_call_raise(name: str, arguments: dict[str, Any]) -> None:
    result = BOX.call(Reservations(), name, arguments)
    assert result.ok != result.text.startswith("Error: ")


def test_an_argument_without_a_type_is_a_programming_error() -> None:
    class Untyped:
        @tool
        def go(self, where) -> str:  # type: ignore[no-untyped-def]
            return "gone"

    with pytest.raises(TypeError, match="go has an argument without a type: where"):
        Toolbox(Untyped)


@pytest.mark.parametrize("kind", ["concierge", "multiwoz"])
def test_patterns_are_those_that_every_server_knows(kind: str) -> None:
    r"""llama.cpp, for one, makes a grammar of them, and takes any text for one with ``\\d`` in it."""
    clock = importlib.import_module(f"pytest_ugst.domains.{kind}.clock")
    adapter: TypeAdapter[str] = TypeAdapter(clock.Time)
    assert "\\" not in adapter.json_schema()["pattern"]
    assert adapter.validate_python("19:45") == "19:45"
    for wrong in ("24:01", "9:45", "19:45 ", "19:60", "١٩:٤٥"):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
