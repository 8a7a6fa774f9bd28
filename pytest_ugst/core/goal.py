"""The records of goals and their sub-components."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, field_validator, model_validator

from pytest_ugst.core.base import Frozen, writable
from pytest_ugst.core.check import Check
from pytest_ugst.core.status import Category

RULES_BY_CATEGORY: dict[Category, frozenset[str]] = {
    Category.PROFILE: frozenset({"never", "every", "first", "once"}),
    Category.POLICY: frozenset({"never", "every", "first", "once"}),
    Category.OBJECTIVE: frozenset({"complete", "attempted"}),
    Category.REQUIREMENT: frozenset({"complete", "attempted"}),
    Category.PREFERENCE: frozenset({"aligned"}),
}

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,119}$")]
"""A name of letters, digits, ``_``, ``.`` and ``-``, since tests and files are named after it."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class Component(Frozen):
    """A sub-component of a goal.

    Example:
        >>> import pytest_ugst as ugst
        >>> tea = ugst.Component(id="task-1", category="objective", text="Order a tea.")
        >>> tea.category
        <Category.OBJECTIVE: 'objective'>
    """

    id: Identifier
    category: Category
    text: Text
    parent: Identifier | None = None
    """The id of the objective that a requirement or preference belongs to."""
    parent_text: str | None = Field(default=None, exclude=True, repr=False)
    """The text of that objective. A goal fills it in, so that a judge can read a sub-component by itself."""
    check: Check | None = None
    """The rule that decides the status in place of a judge model."""
    slots: Annotated[dict[str, JsonValue], AfterValidator(writable)] = Field(default_factory=dict)
    """The meaning of the sub-component for a rule-based simulator."""

    @model_validator(mode="after")
    def _check_fits(self) -> Component:
        if self.check is not None:
            wrong = self.check.rules() - RULES_BY_CATEGORY[self.category]
            if wrong:
                allowed = ", ".join(sorted(RULES_BY_CATEGORY[self.category]))
                raise ValueError(
                    f"check: {', '.join(sorted(wrong))} does not apply to a {self.category} (use {allowed})"
                )
        return self


class Goal(Frozen):
    """A user's goal in natural language, with its sub-components where they are known.

    Example:
        >>> import pytest_ugst as ugst
        >>> goal = ugst.Goal(
        ...     id="tea",
        ...     text="You want a tea. You never give your surname.",
        ...     components=[
        ...         ugst.Component(id="task-1", category="objective", text="Order a tea."),
        ...         ugst.Component(id="policy-1", category="policy", text="Never give your surname."),
        ...     ],
        ... )
        >>> [part.id for part in goal.components]
        ['task-1', 'policy-1']
    """

    id: Identifier
    text: Text
    domain: str | None = None
    """The domain the agent works in; without one the agent has no tools."""
    components: tuple[Component, ...] | None = None
    """The sub-components; None means that a judge model has to decompose the goal."""
    tags: tuple[str, ...] = ()
    max_turns: int | None = Field(default=None, ge=1, le=200)
    data: Annotated[dict[str, Any], AfterValidator(writable)] = Field(default_factory=dict)
    """The data that the domain needs to open a session for this goal."""
    source: str | None = Field(default=None, exclude=True)
    """The place that the goal was read from, as ``file:line``."""

    @field_validator("components")
    @classmethod
    def _parent_texts(cls, components: tuple[Component, ...] | None) -> tuple[Component, ...] | None:
        if components is None:
            return None
        texts = {c.id: c.text for c in components}
        return tuple(c.model_copy(update={"parent_text": texts.get(c.parent)}) if c.parent else c for c in components)

    @model_validator(mode="after")
    def _components_fit(self) -> Goal:
        if self.components is None:
            return self
        seen: dict[str, Component] = {}
        for component in self.components:
            if component.id in seen:
                raise ValueError(f"components: the id {component.id!r} occurs twice")
            seen[component.id] = component
        for component in self.components:
            if component.parent is None:
                continue
            if component.category not in (Category.REQUIREMENT, Category.PREFERENCE):
                raise ValueError(f"components: {component.id!r} is a {component.category} and takes no parent")
            parent = seen.get(component.parent)
            if parent is None or parent.category is not Category.OBJECTIVE:
                raise ValueError(f"components: {component.id!r} names {component.parent!r}, which is no objective")
        return self

    @property
    def fully_checked(self) -> bool:
        """True if every sub-component carries a check, so that no judge model is needed."""
        return self.components is not None and all(c.check is not None for c in self.components)
