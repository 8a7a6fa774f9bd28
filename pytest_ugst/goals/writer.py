"""Writer of goal files: YAML to read and edit, JSONL for large sets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.goals.schema import Item, flatten, nest
from pytest_ugst.utils.files import replace_text

_WIDTH = 110
_ONE_LONG_LINE = re.compile(r"\S+(?: \S+)+")
_LINES = re.compile(r"\S(?:.*\S)?(?:\n+\S(?:.*\S)?)*\n?")  # no line starts or ends with a blank
_NUMBER = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?")  # PyYAML quotes only what YAML 1.1 takes for a number


def write_goals(path: Path, goals: Iterable[Goal]) -> int:
    """Write a goal file, in the format of its name (``.goal.yaml``, ``.goal.yml`` or ``.goal.jsonl``).

    Returns:
        The number of goals that were written.

    Raises:
        UsageError: If the name ends otherwise, a goal does not fit the file format, or the file can't be written.
    """
    if not path.name.endswith((".goal.yaml", ".goal.yml", ".goal.jsonl")):
        raise UsageError(f"{path}: a goal file's name ends with .goal.yaml or .goal.jsonl")
    goals = list(goals)
    replace_text(path, to_jsonl(goals) if path.name.endswith(".jsonl") else to_yaml(goals))
    return len(goals)


def to_jsonl(goals: Iterable[Goal]) -> str:
    """Return goals as JSON, one in each line."""
    return "".join(json.dumps(document(goal), ensure_ascii=False) + "\n" for goal in goals)


def to_yaml(goals: Iterable[Goal]) -> str:
    """Return goals as YAML documents in block style, one for each."""
    import yaml

    return "---\n".join(
        yaml.dump(
            document(goal),
            Dumper=_dumper(),
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=_WIDTH,
        )
        for goal in goals
    )


def document(goal: Goal) -> dict[str, Any]:
    """Return a goal as plain data in the file format, without defaults and ids that the reader would give.

    Raises:
        UsageError: If the file format has no place for one of its sub-components.
    """
    made: dict[str, Any] = {"id": goal.id, "goal": goal.text}
    if goal.domain is not None:
        made["domain"] = goal.domain
    if goal.tags:
        made["tags"] = list(goal.tags)
    if goal.max_turns is not None:
        made["max_turns"] = goal.max_turns
    if goal.components is not None:
        made["components"] = _components(goal)
    if goal.data:
        made["data"] = goal.model_dump(mode="json", include={"data"})["data"]
    return made


def _components(goal: Goal) -> dict[str, Any]:
    try:
        nested = nest(goal.components or ())
    except ValueError as error:
        raise UsageError(f"the goal {goal.id!r} can't be written to a goal file: {error}") from None
    # The ids that the reader would give to sub-components without one.
    unnamed = nested.model_copy(
        update={
            "profile": tuple(map(_without_id, nested.profile)),
            "policy": tuple(map(_without_id, nested.policy)),
            "task": tuple(
                _without_id(task).model_copy(
                    update={
                        "requirements": tuple(map(_without_id, task.requirements)),
                        "preferences": tuple(map(_without_id, task.preferences)),
                    }
                )
                for task in nested.task
            ),
        }
    )
    implied = {own.id for own, other in zip(flatten(nested), flatten(unnamed), strict=True) if own.id == other.id}
    made: dict[str, Any] = {}
    for kind in ("profile", "policy"):
        if items := getattr(nested, kind):
            made[kind] = [_item(item, implied) for item in items]
    if nested.task:
        made["task"] = [
            _item(
                task,
                implied,
                requirements=[_item(item, implied) for item in task.requirements],
                preferences=[_item(item, implied) for item in task.preferences],
            )
            for task in nested.task
        ]
    return made


def _without_id(item: Any) -> Any:
    return item.model_copy(update={"id": None})


def _item(item: Item, implied: set[str], **belonging: list[Any]) -> str | dict[str, Any]:
    made: dict[str, Any] = {"text": item.text}
    if item.id not in implied:
        made["id"] = item.id
    made |= item.model_dump(mode="json", include={"check", "slots"}, exclude_defaults=True)
    made |= {name: items for name, items in belonging.items() if items}
    return item.text if list(made) == ["text"] else made


def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writer of YAML that means the same in YAML 1.1 and in YAML 1.2, such as our reader's."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)  # list items stand to the right of their key

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = None
        if not value.replace("\n", "").isprintable():
            style = '"'  # with escapes: PyYAML's other styles lose line ends other than a newline
        elif "\n" in value:
            style = "|" if _LINES.fullmatch(value) else '"'
        elif len(value) > _WIDTH - 30 and _ONE_LONG_LINE.fullmatch(value):
            style = ">"
        elif _NUMBER.fullmatch(value):
            style = "'"
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper
