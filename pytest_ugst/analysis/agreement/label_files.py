"""Files of goal states, one conversation per line: labels that an annotator exported, or hand-made gold labels.

Two kinds of lines are read: :class:`~pytest_ugst.core.labels.StateLabels`, and those of a gold file, which include goal
and conversation (``id``, ``goal``, ``components``, ``turns`` with ``user``, ``agent`` and ``tools``, ``labels``).
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.labels import LABELS_VERSION, StateLabels, TurnLabels, conversation_digest, labelled_parts
from pytest_ugst.core.status import Category
from pytest_ugst.core.text import one_line

GOLD = "gold"
"""The name of the annotator of a gold file."""
_CATEGORIES = {
    "user_profile": Category.PROFILE,
    "user_policy": Category.POLICY,
    "task_objective": Category.OBJECTIVE,
}
_MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GoldConversation:
    """A conversation of a gold file, which is one line of it."""

    goal: Goal
    """The goal with its sub-components; its id is the conversation's."""
    conversation: Conversation
    labels: StateLabels


class _GoldModel(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Part(_GoldModel):
    id: str
    category: Literal["user_profile", "user_policy", "task_objective", "requirement", "preference"]
    parent: str | None = None
    text: str


class _Tool(_GoldModel):
    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    result_head: str = ""


class _Turn(_GoldModel):
    user: str
    agent: str | None = None
    tools: tuple[_Tool, ...] = ()


class _Gold(_GoldModel):
    id: str
    domain: str | None = None
    goal: str
    components: tuple[_Part, ...]
    turns: tuple[_Turn, ...]
    labels: tuple[TurnLabels, ...]


def read_labels(path: Path) -> list[StateLabels]:
    """Read the labels of a file of either kind.

    Raises:
        UsageError: If the file can't be read, a line is of neither kind, or one annotator has labelled a conversation
            twice; the message names file, line and field.
    """
    found: list[StateLabels] = []
    seen: dict[tuple[str, str], int] = {}
    for number, data in _lines(path):
        where = f"{path}:{number}"
        labels = _gold(data, where).labels if "turns" in data and "goal" in data else _labels(data, where)
        before = seen.setdefault((labels.annotator, labels.id), number)
        if before != number:
            raise UsageError(
                f"{where}: {labels.annotator} has labelled {labels.id!r} in line {before} already; keep one of the two"
            )
        found.append(labels)
    return found


def read_gold(path: Path) -> list[GoldConversation]:
    """Read the conversations of a gold file.

    Raises:
        UsageError: If it is not a gold file; the message names file, line and field.
    """
    return [_gold(data, f"{path}:{number}") for number, data in _lines(path)]


def write_labels(path: Path, records: Iterable[StateLabels]) -> int:
    """Write labels into a file that :func:`read_labels` reads, whole or not at all.

    Returns:
        The number of records.

    Raises:
        UsageError: If the file can't be written.
    """
    from pytest_ugst.utils.files import replace_text

    lines = [labels.model_dump_json() + "\n" for labels in records]
    replace_text(path, "".join(lines))
    return len(lines)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):
            raise UsageError(f"{path} is no file; name a run or a file of labels")
        if there.st_size > _MAX_BYTES:
            raise UsageError(
                f"{path} is larger than {_MAX_BYTES // 2**20} MB; a file of labels holds one record a line"
            )
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}; name a run or a file of labels") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text (byte {error.start}); name a file of labels (JSONL)") from None
    empty = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        empty = False
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}:{number}: is no valid JSON, perhaps cut off ({str(error)[:80]})") from None
        if not isinstance(data, dict):
            raise UsageError(f"{path}:{number}: holds no JSON object; a file of labels has one on every line")
        yield number, data
    if empty:
        raise UsageError(f"{path} is empty; name a file of labels (JSONL)")


def _labels(data: dict[str, Any], where: str) -> StateLabels:
    version = data.get("labels_version", LABELS_VERSION)
    if version != LABELS_VERSION:
        raise UsageError(
            f"{where}: labels_version {one_line(repr(version), 60)}; this version reads {LABELS_VERSION}, so export it "
            "again"
        )
    if "labels" not in data:
        what = "an episode of a run; name the run's folder" if "verdicts" in data else "no record of labels"
        raise UsageError(f"{where}: this is {what} (there is no field 'labels')")
    try:
        return StateLabels.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"{where}: {first_fault(error)}") from None


def _gold(data: dict[str, Any], where: str) -> GoldConversation:
    try:
        line = _Gold.model_validate(data)
        components = tuple(
            Component(id=p.id, category=_CATEGORIES.get(p.category, p.category), text=p.text, parent=p.parent)
            for p in line.components
        )
        goal = Goal(id=line.id, text=line.goal, domain=line.domain, components=components)
        conversation = Conversation(turns=tuple(map(_turn, line.turns)))
        labels = StateLabels(
            id=line.id,
            annotator=GOLD,
            digest=conversation_digest(conversation),
            components=labelled_parts(components),
            labels=line.labels,
        )
    except ValidationError as error:
        raise UsageError(f"{where}: {first_fault(error)}") from None
    return GoldConversation(goal, conversation, labels)


def _turn(turn: _Turn) -> Turn:
    calls = tuple(
        ToolCall(id=f"call-{number}", name=tool.name, arguments=tool.arguments, result=tool.result_head)
        for number, tool in enumerate(turn.tools, 1)
    )
    return Turn(user=turn.user, tool_calls=calls, agent=turn.agent or None)
