"""Goals of MultiWOZ: the instructions of the people who played the visitors in the recorded dialogues.

MultiWOZ 2.0, 2.1 and 2.4 keep all dialogues in one ``data.json``: an object with, by dialogue, the conversation and the
``goal``, which holds the terms by domain and, in ``message``, the sentences that the visitor was shown, with the words
that matter in ``<span>`` elements. ``valListFile`` and ``testListFile`` (``.json`` or ``.txt``, one name a line) say
which dialogues are for validation and test.

The goals come without sub-components. The terms by domain would not give them all: who the visitor is, what to
fall back on, and what belongs to which part of the task is in the sentences alone.

Source: Budzianowski et al., "MultiWOZ - A Large-Scale Multi-Domain Wizard-of-Oz Dataset for Task-Oriented Dialogue
Modelling", EMNLP 2018.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.goal import Goal
from pytest_ugst.utils.json_stream import JsonStreamError, members

DOMAINS = ("restaurant", "hotel", "attraction", "train", "taxi", "police", "hospital")
SPLITS = ("train", "dev", "test")
_LISTS = {"dev": "valListFile", "test": "testListFile"}
_MAX_LIST_BYTES = 4 * 2**20
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
REMEDY = (
    "data.json is in the archives MultiWOZ_2.0.zip and MultiWOZ_2.1.zip of github.com/budzianowski/multiwoz, and in "
    "MULTIWOZ2.4 of github.com/smartyfh/MultiWOZ2.4; unpack one and give its folder with --data"
)
"""Instructions to get the dialogues, for error messages."""


def _sentences(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class _Goal(BaseModel):
    """The fields of a dialogue's goal that are used here; the others are passed on unchanged."""

    model_config = ConfigDict(frozen=True, extra="allow")

    message: Annotated[tuple[str, ...], BeforeValidator(_sentences), Field(min_length=1)]
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)


class _Dialogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    goal: _Goal


def import_multiwoz(data_dir: Path, domain: str | None = None, split: str | None = None) -> Iterator[Goal]:
    """Read the goals of MultiWOZ's dialogues, in the file's order; one dialogue is in memory at a time.

    Args:
        data_dir: The folder that holds ``data.json``, or the file.
        domain: Yield only goals in which this domain occurs.
        split: ``train``, ``dev`` or ``test``; all by default. Needs the list files beside ``data.json``.

    Returns:
        The goals, without sub-components.

    Raises:
        UsageError: If the file is missing or a list file is malformed, at once; or if ``data.json`` is malformed, while
            iterating.
    """
    for given, known, what in ((domain, DOMAINS, "domain"), (split, SPLITS, "split")):
        if given is not None and given not in known:
            raise UsageError(f"multiwoz has no {what} {given!r}; choose from {', '.join(known)}")
    path = _find(data_dir)
    lists = {part: _names(path.parent, stem) for part, stem in _LISTS.items()}
    if split is not None and (missing := [_LISTS[part] for part, names in lists.items() if names is None]):
        raise UsageError(f"{path.parent}: {missing[0]}.json (or .txt) is missing, so nothing says what {split} is")
    parts = None if None in lists.values() else {name: part for part, names in lists.items() for name in names or ()}
    return _goals(path, parts, domain, split)


def _find(data_dir: Path) -> Path:
    if data_dir.is_file():
        return data_dir
    for folder in (data_dir, data_dir / "multiwoz", data_dir / "data"):
        if (folder / "data.json").is_file():
            return folder / "data.json"
    raise UsageError(f"{data_dir}: holds no data.json, MultiWOZ's dialogues with their goals; {REMEDY}")


def _names(folder: Path, stem: str) -> frozenset[str] | None:
    """Read the names of dialogues from a list file: one a line whatever the file's suffix says, or a JSON list."""
    path = next((p for suffix in (".json", ".txt") if (p := folder / f"{stem}{suffix}").is_file()), None)
    if path is None:
        return None
    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise UsageError(f"{path}: is larger than {_MAX_LIST_BYTES // 2**20} MiB; this is not MultiWOZ's")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is no UTF-8 text; unpack MultiWOZ again") from None
    lines: list[Any] = text.split()
    if text.lstrip().startswith("["):
        try:
            lines = json.loads(text)
        except (ValueError, RecursionError):
            raise UsageError(f"{path}: is neither a JSON list nor one name a line; unpack MultiWOZ again") from None
    return frozenset(_name(line) for line in lines if isinstance(line, str))


def _name(dialogue: str) -> str:
    return dialogue.strip().removesuffix(".json")


def _goals(path: Path, parts: dict[str, str] | None, domain: str | None, split: str | None) -> Iterator[Goal]:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            seen: set[str] = set()
            for dialogue, record in members(stream):
                name = _name(dialogue)
                if name in seen:
                    raise UsageError(f"{path}: {dialogue!r} occurs twice; unpack MultiWOZ's data.json again")
                seen.add(name)
                part = None if parts is None else parts.get(name, "train")
                if split is not None and split != part:
                    continue
                goal = _goal(f"{path}#{dialogue}", name, record, part)
                if domain is None or domain in goal.tags:
                    yield goal
    except JsonStreamError as error:
        raise UsageError(f"{path}: {error}; unpack MultiWOZ's data.json again") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is no UTF-8 text ({error.reason}); unpack MultiWOZ's data.json again") from None
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from None


def _goal(where: str, name: str, record: Any, part: str | None) -> Goal:
    try:
        found = _Dialogue.model_validate(record).goal
        upstream = {key: value for key, value in (found.model_extra or {}).items() if value}
        domains = [d for d in DOMAINS if upstream.get(d)]
        return Goal(
            id=name,
            text=wording(found.message),
            domain="multiwoz",
            tags=tuple(chain(("multiwoz",), domains, [part] if part else [])),
            data={"upstream": {"dialogue": name, **upstream, "message": list(found.message)}},
            source=where,
        )
    except ValidationError as error:
        raise UsageError(f"{where}: {first_fault(error)}; is this MultiWOZ 2.0, 2.1 or 2.4?") from None


def wording(message: tuple[str, ...]) -> str:
    """Join the sentences into one text without markup, each with a full stop."""
    plain = (" ".join(html.unescape(_TAG.sub("", sentence)).split()) for sentence in message)
    return " ".join(line if line[-1] in ".?!" else f"{line}." for line in plain if line)
