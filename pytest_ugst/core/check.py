"""The records of checks: deterministic rules on a sub-component.

:mod:`pytest_ugst.judges.checks` evaluates them. The docstrings of these classes are part of the JSON Schema of goal
files.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from pytest_ugst.core.base import Frozen

CHECKS = "checks"
"""The name of the judge that evaluates checks; its verdicts cost nothing."""
CheckMode = Literal["decide", "beside", "off"]
"""What checks do where another judge is named: decide in its place, stand beside it as second opinions, or nothing."""
_MAX_PATTERN = 2_000


def _compiles(pattern: str) -> str:
    if len(pattern) > _MAX_PATTERN:
        raise ValueError(f"the regular expression is longer than {_MAX_PATTERN} characters")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error}): {pattern!r}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class ToolMatch(Frozen):
    """The tool call that a condition asks for."""

    name: str
    """The tool's name; a ``|`` separates alternatives."""
    args: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments the call must carry. Strings compare without regard to case; a list means any of its members.
    Arguments that are not named here are free."""
    ok: bool | None = True
    """The outcome that the call must have: success (true), failure (false) or either (null)."""
    result: Pattern | None = None
    """A regular expression that has to occur in the call's result."""


class Condition(Frozen, json_schema_extra={"minProperties": 1, "maxProperties": 1}):
    """Something that holds, or does not, in a turn or in the conversation so far. Exactly one field is set.

    Regular expressions are searched without regard to case.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.Condition(user_says="please").user_says
        'please'
    """

    user_says: Pattern | None = None
    agent_says: Pattern | None = None
    tool: ToolMatch | None = None
    all_of: tuple[Condition, ...] | None = Field(default=None, min_length=1)
    any_of: tuple[Condition, ...] | None = Field(default=None, min_length=1)
    none_of: tuple[Condition, ...] | None = Field(default=None, min_length=1)
    in_order: tuple[Condition, ...] | None = Field(default=None, min_length=1)
    """Conditions each of which holds in the same turn as the one before it or in a later one."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            choices = ", ".join(type(self).model_fields)
            raise ValueError(f"a condition takes exactly one of {choices}; got {', '.join(given) or 'none'}")
        return self


class Check(Frozen, json_schema_extra={"minProperties": 1}):
    """A deterministic rule that decides a sub-component's status. Which fields apply depends on the category.

    Profile and policy: ``never``, ``every``, ``first`` and ``once``, in any combination. Preference: ``aligned``.
    Objective and requirement: ``complete`` and, beside it, ``attempted``. Any category: ``python`` alone.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.Check(never={"user_says": "surname"}).rules()
        {'never'}
    """

    never: Condition | None = None
    """A condition that breaks the sub-component in a turn in which it holds."""
    every: Condition | None = None
    """A condition that breaks the sub-component in a turn in which it does not hold."""
    first: Condition | None = None
    """A condition that breaks the sub-component if it does not hold in the first turn."""
    once: Condition | None = None
    """A condition that breaks the sub-component at the end of a conversation in which it never held."""
    aligned: Condition | None = None
    """A condition that aligns the preference as soon as it holds in the conversation so far."""
    complete: Condition | None = None
    """A condition that completes the task as soon as it holds in the conversation so far."""
    attempted: Condition | None = None
    """A condition that makes the task count as attempted as soon as it holds in the conversation so far."""
    python: str | None = None
    """The name of a check registered by a plugin or an entry point of the group ``pytest_ugst.checks``."""
    args: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments for the ``python`` check."""
    beside: bool = False
    """True for a second opinion: where a model judges, it decides, and differences from the check are reported."""

    @model_validator(mode="after")
    def _something(self) -> Check:
        rules = [n for n in ("never", "every", "first", "once", "aligned", "complete", "attempted") if getattr(self, n)]
        if bool(rules) == bool(self.python):
            raise ValueError("a check takes rules (never, every, first, once, aligned, complete, attempted) or python")
        if self.args and not self.python:
            raise ValueError("args are only for a python check")
        return self

    def rules(self) -> set[str]:
        """Return the names of the rules that are set."""
        return {n for n in ("never", "every", "first", "once", "aligned", "complete", "attempted") if getattr(self, n)}
