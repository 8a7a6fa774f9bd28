"""The marker ``@pytest.mark.ugst(...)``, read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError, unknown

_MARKER_FIELDS = ("goals", "split", "tags", "max_turns", "trials", "unplayable")


@dataclass(frozen=True, slots=True)
class GoalMarker:
    """The arguments of ``@pytest.mark.ugst(...)``; the closest marker that gives an argument wins."""

    goals: Any = None
    split: str | tuple[str, ...] | None = None
    """One split, or several of which ``-m`` chooses; the first unless it names others."""
    tags: tuple[str, ...] = ()
    max_turns: int | None = None
    trials: int | None = None
    unplayable: str = "error"

    @classmethod
    def of(cls, node: pytest.Item | pytest.Collector, marks: Iterable[pytest.Mark]) -> GoalMarker | None:
        """Read the markers, closest first; None if there are none.

        Raises:
            UsageError: For an argument the marker does not take.
        """
        marks = list(marks)
        if not marks:
            return None
        fields: dict[str, Any] = {}
        for mark in marks:
            if mark.args:
                raise UsageError(f"{node.nodeid}: the ugst marker takes keywords only, e.g. ugst(goals='concierge')")
            for name, value in mark.kwargs.items():
                if name not in _MARKER_FIELDS:
                    raise UsageError(f"{node.nodeid}: ugst marker: {unknown('argument', name, _MARKER_FIELDS)}")
                fields.setdefault(name, value)
        try:
            return cls(
                goals=fields.get("goals"),
                split=_split(fields.get("split")),
                tags=_tags(fields.get("tags", ())),
                max_turns=_count("max_turns", fields.get("max_turns")),
                trials=_count("trials", fields.get("trials")),
                unplayable=_unplayable(fields.get("unplayable", "error")),
            )
        except ValueError as error:
            raise UsageError(f"{node.nodeid}: ugst marker: {error}") from None


def _tags(value: Any) -> tuple[str, ...]:
    tags = (value,) if isinstance(value, str) else value
    if not isinstance(tags, list | tuple | set | frozenset) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError(f"tags={tags!r}; give a tag or a list of tags")
    return tuple(tags)


def _split(value: Any) -> str | tuple[str, ...] | None:
    if isinstance(value, list | tuple) and value and all(isinstance(s, str) and s.isidentifier() for s in value):
        return tuple(value)
    if not isinstance(value, str | None):
        raise ValueError(f"split={value!r}; give the name of a part, or a list of them")
    return value


def _count(name: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"{name}={value!r}; write a whole number from 1")
    return value


def _unplayable(value: Any) -> str:
    if value not in ("error", "skip"):
        raise ValueError(f"unplayable={value!r}; write 'error' or 'skip'")
    return str(value)
