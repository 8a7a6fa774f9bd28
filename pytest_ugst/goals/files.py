"""Goal files: ``*.goal.yaml`` (one or many documents) and ``*.goal.jsonl`` (one goal a line)."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pytest_ugst.core.check import Check, Condition, ToolMatch
from pytest_ugst.core.errors import GoalFileError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.goals.schema import Components, GoalDocument, Item, TaskItem
from pytest_ugst.goals.yaml_reader import Document, YamlError, parse

SUFFIXES = (".goal.yaml", ".goal.yml", ".goal.jsonl")
"""The endings of goal files' names."""
MAX_BYTES = 64 * 1024 * 1024
"""The largest goal file that is read."""
_SHOWN = 5  # problems reported per goal; the rest follow from them more often than not

_MODELS: dict[str, type[BaseModel]] = {
    "": GoalDocument,
    "components": Components,
    "task": TaskItem,
    "check": Check,
    "tool": ToolMatch,
    **dict.fromkeys(("profile", "policy", "requirements", "preferences"), Item),
    **dict.fromkeys(("never", "every", "first", "once", "aligned", "complete", "attempted"), Condition),
    **dict.fromkeys(("all_of", "any_of", "none_of", "in_order"), Condition),
}
_EXPECTED = {
    "string_type": "write it as text, in quotes if it looks like a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "tuple_type": "write a list (lines starting with '- ')",
    "dict_type": "write fields (name: value)",
    "model_type": "write fields (name: value)",
    "string_too_short": "write something here",
    "string_pattern_mismatch": "use letters, digits, '_', '.' and '-' only, at most 120",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in a goal file."""

    path: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return the fault as ``file:line: field: message``."""
        field = f"{self.field}: " if self.field else ""
        return f"{self.path}:{self.line}: {field}{self.message}"


def is_goal_file(path: Path) -> bool:
    """Return whether the name is that of a goal file."""
    return path.name.endswith(SUFFIXES)


def goal_files_in(paths: Sequence[Path]) -> list[Path]:
    """Return the goal files among ``paths``: files as they are, folders searched for them.

    Raises:
        UsageError: If a path is not there, or there is no goal file at all.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(file for file in path.rglob("*.goal.*") if is_goal_file(file))
        elif path.exists():
            files.append(path)
        else:
            raise UsageError(f"{path}: there is no such file or folder")
    if not files:
        raise UsageError(f"{', '.join(map(str, paths))}: no goal file there; their names end with .goal.yaml")
    return files


def load_goals(path: Path) -> list[Goal]:
    """Read one goal file.

    Raises:
        GoalFileError: With every problem found, each on a line that names file, line, field and remedy.
    """
    goals, problems = read(path)
    if problems:
        raise GoalFileError("\n".join(map(str, problems)))
    return goals


def read(path: Path) -> tuple[list[Goal], list[Problem]]:
    """Read one goal file; return its valid goals, and what is wrong with the others."""
    goals: list[Goal] = []
    problems: list[Problem] = []
    first_line: dict[str, int] = {}
    try:
        for document in _documents(path):
            try:
                goal = GoalDocument.model_validate(document.data).to_goal(f"{path}:{document.line}")
            except ValidationError as error:
                problems += _describe(path, document, error)
                continue
            if goal.id in first_line:
                where = document.line_of(("id",))
                message = f"the id {goal.id!r} was already used on line {first_line[goal.id]}; give each goal its own"
                problems.append(Problem(path, where, "id", message))
                continue
            first_line[goal.id] = document.line_of(("id",))
            goals.append(goal)
    except YamlError as error:
        problems.append(Problem(path, error.line, "", str(error)))
    except OSError as error:
        problems.append(Problem(path, 1, "", f"can't be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        problems.append(Problem(path, 1, "", f"is not UTF-8 text (byte {error.start}); save it as UTF-8"))
    if not goals and not problems:
        problems.append(Problem(path, 1, "", "holds no goal; a goal needs at least 'id' and 'goal'"))
    return goals, problems


def find_duplicates(goals: Iterable[Goal]) -> list[str]:
    """Return a line about every goal that shares its id with an earlier one."""
    first: dict[str, Goal] = {}
    lines = []
    for goal in goals:
        other = first.setdefault(goal.id, goal)
        if other is not goal:
            lines.append(f"{goal.source}: id: {goal.id!r} is also the id of {other.source}; give each goal its own")
    return lines


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a goal document, for editors."""
    schema: dict[str, Any] = _without_examples(GoalDocument.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "pytest-ugst goal"}


def _without_examples(schema: Any) -> Any:
    """Return a schema whose descriptions end before the Python examples of the docstrings that they are made from."""
    if isinstance(schema, list):
        return [_without_examples(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _without_examples(item) for key, item in schema.items()}
    if isinstance(made.get("description"), str):
        made["description"] = made["description"].partition("\n\nExample:\n")[0]
    return made


@dataclass(frozen=True, slots=True)
class _JsonLine:
    """A line of a JSONL file, in the form of a :class:`Document`."""

    data: Any
    line: int

    def line_of(self, path: tuple[int | str, ...]) -> int:
        return self.line


def _documents(path: Path) -> Iterator[Document | _JsonLine]:
    if path.stat().st_size > MAX_BYTES:
        raise YamlError(f"is larger than {MAX_BYTES // 2**20} MiB; split it", 1)
    text = path.read_text(encoding="utf-8-sig")
    if not path.name.endswith(".jsonl"):
        yield from parse(text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _JsonLine(json.loads(line), number)
        except (ValueError, RecursionError) as error:
            message = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            raise YamlError(f"not a JSON object: {message}", number) from None


def _describe(path: Path, document: Document | _JsonLine, error: ValidationError) -> list[Problem]:
    """Return the first problems of a document in words, with their lines."""
    problems = []
    for detail in error.errors(include_url=False)[:_SHOWN]:
        location = detail["loc"]
        kind, message = detail["type"], detail["msg"].removeprefix("Value error, ")
        name = str(location[-1]) if location else ""
        if kind == "extra_forbidden":
            message = _unknown_field(location)
        elif kind == "missing":
            message = f"is missing; add '{name}: ...'"
        elif kind in _EXPECTED:
            message = f"{message[0].lower()}{message[1:]}; {_EXPECTED[kind]}"
        else:
            message = message[0].lower() + message[1:]
        problems.append(Problem(path, document.line_of(location), _dotted(location), message))
    return problems


def _dotted(location: tuple[int | str, ...]) -> str:
    """Return the path of a field as text: ``components.task[1].text``, counted from 1."""
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _unknown_field(location: tuple[int | str, ...]) -> str:
    around = [step for step in location[:-1] if isinstance(step, str)]
    known = list(_MODELS[around[-1] if around and around[-1] in _MODELS else ""].model_fields)
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
    return f"unknown field; {hint}"
