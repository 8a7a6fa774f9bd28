"""What a goal's ``data`` tells its domain, held against what the domain knows."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal

M = TypeVar("M", bound=BaseModel)


def read_data(goal: Goal, model: type[M], domain: str) -> M:
    """A goal's ``data`` as the domain's model of it.

    Args:
        goal: The goal.
        model: Forbids fields that it does not have.
        domain: What to call the domain in messages.

    Raises:
        UsageError: If the data is not what it should be.
    """
    try:
        return model.model_validate(goal.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        problem = first["msg"]
        if first["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields)
            problem = f"the {domain} domain knows no such field (it takes {known})"
        raise wrong_data(goal, ".".join(map(str, first["loc"])), problem) from None


def wrong_data(goal: Goal, field: str, problem: str) -> UsageError:
    """What to raise for a field of a goal's ``data``."""
    where = f"{goal.source}: " if goal.source else ""
    return UsageError(f"{where}goal {goal.id!r}: data.{field}: {problem}")
