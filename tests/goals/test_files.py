"""Tests that no goal file, wherever it comes from, can crash, hang or deceive a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.core.errors import GoalFileError
from pytest_ugst.core.goal import Goal
from pytest_ugst.goals.files import json_schema, load_goals
from pytest_ugst.goals.schema import GoalDocument
from pytest_ugst.goals.writer import to_yaml
from pytest_ugst.goals.yaml_reader import MAX_DEPTH, parse

HEAD = "id: a\ngoal: You want tea.\n"


def goal_file(folder: Path, text: str, name: str = "a.goal.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{HEAD}data: {{x: {'[' * 100_000}{']' * 100_000}}}\n", 3, "levels deep"),
        (f"{HEAD}data:\n  x:\n    {'- ' * 100_000}1\n", 5, "levels deep"),
        (f"{HEAD}data: {{x: !!binary /w==}}\n", 3, "tag"),
        (f"{HEAD}data: {{x: !!set {{a, b}}}}\n", 3, "tag"),
        (f"{HEAD}data: {{x: !!timestamp 2024-05-15}}\n", 3, "tag"),
        ("id: a\ngoal: !!python/object/apply:os.system [ls]\n", 2, "tag"),
        (f"{HEAD}max_turns: {'1' * 5_000}\n", 1, "a value"),
        (f"{HEAD}max_turns: !!int many\n", 1, "a value"),
        (f"{HEAD}data: {{x: !!bool maybe}}\n", 1, "a value"),
    ],
    ids=["flow", "block", "bytes", "set", "date", "python", "digits", "int", "bool"],
)
def test_hostile_yaml_is_an_error_with_file_and_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = goal_file(tmp_path, text)
    with pytest.raises(GoalFileError, match=words) as caught:
        load_goals(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_as_deep_as_allowed_is_read() -> None:
    depth = MAX_DEPTH - 1
    (document,) = parse(f"x: {'[' * depth}1{']' * depth}")
    value = document.data["x"]
    for _ in range(depth):
        (value,) = value
    assert value == 1


@pytest.mark.parametrize("components", ["{}", "{profile: [], task: []}"])
def test_components_without_any_are_an_error(tmp_path: Path, components: str) -> None:
    path = goal_file(tmp_path, f"{HEAD}components: {components}\n")
    with pytest.raises(GoalFileError, match=r":3: components: holds no sub-component; write one"):
        load_goals(path)


def test_values_nested_without_end_are_an_error_in_json_lines(tmp_path: Path) -> None:
    deep = '{"a":' * 150 + "1" + "}" * 150
    path = goal_file(tmp_path, f'{{"id": "a", "goal": "tea", "data": {{"x": {deep}}}}}\n', "a.goal.jsonl")
    with pytest.raises(GoalFileError, match="levels deep"):
        load_goals(path)


def test_the_schema_describes_without_python_examples() -> None:
    text = json.dumps(json_schema())
    assert "A deterministic rule that decides a sub-component's status." in text
    assert "Example:" not in text
    assert ">>>" not in text


def test_every_field_of_a_goal_document_reaches_the_goal_and_is_written() -> None:
    document = {
        "id": "a",
        "goal": "You want tea.",
        "domain": "concierge",
        "components": {"profile": ["You are tired."]},
        "tags": ["test"],
        "max_turns": 7,
        "data": {"x": 1},
    }
    assert set(document) == set(GoalDocument.model_fields)  # a new field belongs above, so that it is carried along
    goal = GoalDocument.model_validate(document).to_goal()
    assert set(Goal.model_fields) == {*document, "text", "source"} - {"goal"}
    defaults = {name: field.default for name, field in Goal.model_fields.items() if not field.is_required()}
    assert [name for name in defaults if name != "source" and getattr(goal, name) == defaults[name]] == []
    (written,) = parse(to_yaml([goal]))
    assert set(written.data) == set(document)
