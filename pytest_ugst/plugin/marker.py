"""What ``@pytest.mark.ugst(...)`` says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError, unknown

_MARKER_FIELDS = ("goals", "split", "tags", "max_turns", "trials", "unplayable")


@dataclass(frozen=True, slots=True)
class GoalMarker:
    """What ``@pytest.mark.ugst(...)`` says; the closest marker that gives a field wins."""

    goals: Any = None
    split: str | tuple[str, ...] | None = None
    """One split, or several of which ``-m`` chooses; the first unless it names others."""
    tags: tuple[str, ...] = ()
    max_turns: int | None = None
    trials: int | None = None
    unplayable: str = "error"

    @classmethod
    def of(cls, node: pytest.Item | pytest.Collector, marks: Iterable[pytest.Mark]) -> GoalMarker | None:
        """Read the markers, closest first.

        Raises:
            UsageError: For an argument the marker does not take.
        """
        fields: dict[str, Any] = {}
        found = False
        for mark in marks:
            found = True
            if mark.args:
                raise UsageError(f"{node.nodeid}: the ugst marker takes keywords only, e.g. ugst(goals='concierge')")
            for name, value in mark.kwargs.items():
                if name not in _MARKER_FIELDS:
                    raise UsageError(f"{node.nodeid}: ugst marker: {unknown('argument', name, _MARKER_FIELDS)}")
                fields.setdefault(name, value)
        if not found:
            return None
        tags = fields.get("tags", ())
        tags = (tags,) if isinstance(tags, str) else tags
        if not isinstance(tags, list | tuple | set | frozenset) or not all(isinstance(tag, str) for tag in tags):
            raise UsageError(f"{node.nodeid}: ugst marker: tags={tags!r}; give a tag or a list of tags")
        fields["tags"] = tuple(tags)
        split = fields.get("split")
        if isinstance(split, list | tuple) and split and all(isinstance(s, str) and s.isidentifier() for s in split):
            fields["split"] = tuple(split)
        elif not isinstance(split, str | None):
            raise UsageError(f"{node.nodeid}: ugst marker: split={split!r}; give the name of a part, or a list of them")
        if (unplayable := fields.get("unplayable", "error")) not in ("error", "skip"):
            raise UsageError(f"{node.nodeid}: ugst marker: unplayable={unplayable!r}; write 'error' or 'skip'")
        for name in ("max_turns", "trials"):
            value = fields.get(name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise UsageError(f"{node.nodeid}: ugst marker: {name}={value!r}; write a whole number from 1")
        return cls(**fields)
