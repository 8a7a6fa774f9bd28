"""Validate the ``data`` of a goal for its domain."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal

M = TypeVar("M", bound=BaseModel)


def read_data(goal: Goal, model: type[M], domain: str) -> M:
    """Validate a goal's ``data`` with the domain's model of it.

    Args:
        goal: The goal.
        model: The domain's model, which forbids unknown fields.
        domain: The domain's name, for messages.

    Returns:
        The data as an instance of the model.

    Raises:
        UsageError: If the data does not fit the model; names the goal and the field.
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
    """Return the error for a field of a goal's ``data``, to be raised by the caller.

    Args:
        goal: The goal.
        field: The field's path within ``data``, with dots.
        problem: What is wrong with it.
    """
    where = f"{goal.source}: " if goal.source else ""
    return UsageError(f"{where}goal {goal.id!r}: data.{field}: {problem}")
