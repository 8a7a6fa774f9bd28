"""The schema of goal files, and the conversion of a document to a :class:`Goal` and back.

These models are also what the JSON Schema for editors is made from.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, JsonValue, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.check import Check
from pytest_ugst.core.goal import Component, Goal, Identifier, Text
from pytest_ugst.core.status import Category


class Item(Frozen):
    """One sub-component: its text alone, or its text with a check and slots."""

    text: Text
    """The sub-component, in the goal's words where possible."""
    id: Identifier | None = None
    """A name of your own; else one is made from category and position."""
    check: Check | None = None
    """A rule that decides the status, in place of a judge model."""
    slots: dict[str, JsonValue] = Field(default_factory=dict)
    """The meaning of the sub-component for a rule-based simulator."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return a schema that takes text alone as well.

        Such text is turned into an object before validation, so that pydantic's own schema does not have it.
        """
        return {"anyOf": [{"type": "string", "minLength": 1}, handler.resolve_ref_schema(handler(schema))]}


def _text_alone(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


ItemField = Annotated[Item, BeforeValidator(_text_alone)]


class TaskItem(Item):
    """A task objective with its requirements and preferences."""

    requirements: tuple[ItemField, ...] = ()
    preferences: tuple[ItemField, ...] = ()


TaskField = Annotated[TaskItem, BeforeValidator(_text_alone)]


class Components(Frozen):
    """The goal's sub-components by category."""

    profile: tuple[ItemField, ...] = ()
    """Persona, background, context."""
    policy: tuple[ItemField, ...] = ()
    """Rules for what the user always or never does."""
    task: tuple[TaskField, ...] = ()
    """The user's tasks, each with its requirements and preferences."""

    @model_validator(mode="after")
    def _something(self) -> Components:
        # Without sub-components there is nothing that a simulator could fail.
        if not (self.profile or self.policy or self.task):
            raise ValueError("holds no sub-component; write one at least, or leave the field out")
        return self


class GoalDocument(Frozen):
    """One goal of a ``*.goal.yaml`` or JSONL file."""

    id: Identifier
    """The name of the test; unique within the file."""
    goal: Text
    """The user's goal, in natural language, addressed to the user: "You want to ..."."""
    domain: str | None = None
    """The domain the agent works in, such as ``concierge``; without one it has no tools."""
    components: Components | None = None
    """The sub-components; without them a judge model decomposes the goal, once."""
    tags: tuple[str, ...] = ()
    max_turns: int | None = Field(default=None, ge=1, le=200)
    """User-agent turns the conversation may take; 10 unless the options say otherwise."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Data of the domain for this goal, such as bookings the user already has."""

    def to_goal(self, source: str | None = None) -> Goal:
        """Return the goal; sub-components without an id get one from category and position."""
        return Goal(
            id=self.id,
            text=self.goal,
            domain=self.domain,
            components=None if self.components is None else flatten(self.components),
            tags=self.tags,
            max_turns=self.max_turns,
            data=self.data,
            source=source,
        )


def flatten(components: Components) -> tuple[Component, ...]:
    """Return the sub-components in the order profile, policy, then each objective followed by what belongs to it."""
    made: list[Component] = []

    def add(item: Item, category: Category, name: str, parent: str | None = None) -> str:
        made.append(
            Component(
                id=item.id or name,
                category=category,
                text=item.text,
                parent=parent,
                check=item.check,
                slots=item.slots,
            )
        )
        return made[-1].id

    for i, item in enumerate(components.profile, 1):
        add(item, Category.PROFILE, f"profile-{i}")
    for i, item in enumerate(components.policy, 1):
        add(item, Category.POLICY, f"policy-{i}")
    for i, task in enumerate(components.task, 1):
        parent = add(task, Category.OBJECTIVE, f"task-{i}")
        for j, item in enumerate(task.requirements, 1):
            add(item, Category.REQUIREMENT, f"task-{i}.requirement-{j}", parent)
        for j, item in enumerate(task.preferences, 1):
            add(item, Category.PREFERENCE, f"task-{i}.preference-{j}", parent)
    return tuple(made)


def nest(components: tuple[Component, ...]) -> Components:
    """Return sub-components in the form of a goal file; the inverse of :func:`flatten`.

    Raises:
        ValueError: If a requirement or preference belongs to no objective; the file format has no place for it.
    """

    def plain(component: Component) -> dict[str, Any]:
        return {"text": component.text, "id": component.id, "check": component.check, "slots": component.slots}

    by_category: dict[Category, list[Component]] = {category: [] for category in Category}
    for component in components:
        by_category[component.category].append(component)
        if component.parent is None and component.category in (Category.REQUIREMENT, Category.PREFERENCE):
            raise ValueError(f"{component.id!r} is a {component.category} without an objective it belongs to")

    def belonging(category: Category, objective: Component) -> tuple[Item, ...]:
        return tuple(Item(**plain(c)) for c in by_category[category] if c.parent == objective.id)

    return Components(
        profile=tuple(Item(**plain(c)) for c in by_category[Category.PROFILE]),
        policy=tuple(Item(**plain(c)) for c in by_category[Category.POLICY]),
        task=tuple(
            TaskItem(
                **plain(objective),
                requirements=belonging(Category.REQUIREMENT, objective),
                preferences=belonging(Category.PREFERENCE, objective),
            )
            for objective in by_category[Category.OBJECTIVE]
        ),
    )
