"""What was asked by the name of a goal: a name alone does not say that goals are the same."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Component, Goal


class GoalDigest(NamedTuple):
    """What was asked of a simulator."""

    text: str
    """A digest of the goal's text and data."""
    parts: str | None
    """A digest of its sub-components and their checks; None where it is still to be cut into some."""
    max_turns: int


def text_digest(goal: Goal) -> str:
    """A digest of what a goal asks for, its name and its sub-components apart."""
    return _digest({"text": goal.text, "domain": goal.domain, "data": goal.model_dump(mode="json")["data"]})


def parts_digest(goal: Goal) -> str:
    """A digest of a goal's sub-components, with everything that decides their statuses."""
    return _digest([_part(component) for component in goal.components or ()])


def _part(component: Component) -> Any:
    return component.model_dump(mode="json")


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
