"""Digests of goals: goals of the same name need not be the same goals."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Component, Goal


class GoalDigest(NamedTuple):
    """The goal that a simulator was given, as digests."""

    text: str
    """Digest of the goal's text and data."""
    parts: str | None
    """Digest of its sub-components and their checks; None where the goal is not decomposed yet."""
    max_turns: int
    """Turn limit of its conversations."""


def text_digest(goal: Goal) -> str:
    """Return a digest of a goal's text, domain and data, without its name and its sub-components."""
    return _digest({"text": goal.text, "domain": goal.domain, "data": goal.model_dump(mode="json")["data"]})


def parts_digest(goal: Goal) -> str:
    """Return a digest of a goal's sub-components, with everything that decides their statuses."""
    return _digest([_part(component) for component in goal.components or ()])


def _part(component: Component) -> Any:
    return component.model_dump(mode="json")


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
