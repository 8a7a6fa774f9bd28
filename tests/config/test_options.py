"""The table of options, and the typed record that is made from it."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from pytest_ugst.config.options import GATES, OPTIONS, Option
from pytest_ugst.config.settings import Options
from pytest_ugst.core.errors import UsageError

NO_OPTIONS = {"root", "models", "models_path"}
FIELDS = {field.name: field for field in fields(Options) if field.name not in NO_OPTIONS}
TYPES = get_type_hints(Options)


def test_every_option_of_the_table_has_a_field_and_the_other_way_round() -> None:
    assert list(FIELDS) == [option.key for option in OPTIONS]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_field_and_table_agree(option: Option) -> None:
    field, kind = FIELDS[option.key], TYPES[option.key]
    assert field.default is not MISSING
    assert field.default == option.default
    if get_origin(kind) is Literal:
        assert get_args(kind) == tuple(option.choices)
    else:
        assert kind is option.type


def test_defaults_are_valid_values() -> None:
    made = Options.make(Path(), {option.key: option.default for option in OPTIONS})
    assert made == Options.make(Path(), {}) == Options(Path())


def test_gates_are_options() -> None:
    assert set(GATES) <= {option.flag for option in OPTIONS}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trials": "many"}, "--ugst-trials=many: write a whole number"),
        ({"trials": 0}, "--ugst-trials=0: write a number from 1 to 10000"),
        ({"max_turns": "201"}, "--ugst-max-turns=201: write a number from 1 to 200"),
        ({"seed": -1}, "--ugst-seed=-1: write a number from 0 to 2147483647"),
        ({"reasoning": "perhaps"}, "--ugst-reasoning=perhaps: write true or false"),
        ({"steer": "hard"}, "--ugst-steer=hard: write one of none, goal, state"),
    ],
)
def test_bad_values_name_option_and_remedy(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Options.make(Path(), values)
    assert str(raised.value) == message


def test_text_becomes_the_type_of_the_option() -> None:
    made = Options.make(Path(), {"trials": "3", "strict_gate": "on", "sim": None, "judge": "llama"})
    assert (made.trials, made.strict_gate, made.sim, made.judge) == (3, True, "agenda", "llama")
