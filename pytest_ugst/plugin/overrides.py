"""What the tests of a session ask for: their cases, and the fixtures for roles that they bring themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeGuard

import pytest

from pytest_ugst.engine.spec import GoalCase

ROLES = ("simulator", "agent", "judge")
"""The fixtures that say who plays."""


def is_episode_item(item: pytest.Item) -> TypeGuard[pytest.Function]:
    """Whether the item asks for an episode."""
    return "episode" in getattr(item, "fixturenames", ()) and "ugst_case" in getattr(item, "fixturenames", ())


def is_sure_to_skip(item: pytest.Item) -> bool:
    """Whether the item's marks alone say that it will be skipped; conditions in a string are not looked into."""
    conditions = (
        condition
        for mark in item.iter_markers("skipif")
        for condition in (mark.args or (mark.kwargs.get("condition"),))
        if isinstance(condition, bool)
    )
    return item.get_closest_marker("skip") is not None or any(conditions)


def case_of(item: pytest.Function) -> GoalCase:
    """The item's case."""
    own: GoalCase | None = getattr(item, "ugst_case", None)
    if own is not None:
        return own
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("ugst_case") if callspec is not None else None
    return case if isinstance(case, GoalCase) else GoalCase(None, 1, 10)


def role_fixtures(item: pytest.Function) -> dict[str, Any]:
    """The definitions of the role fixtures that are in effect for an item, by role; the overridden ones only."""
    found = {}
    for role in (*ROLES, "goal"):
        definitions: Iterable[Any] = item._fixtureinfo.name2fixturedefs.get(role, ())
        for definition in list(definitions)[-1:]:
            if definition.func.__module__ != "pytest_ugst.plugin.fixtures":
                found[role] = definition
    return found


def overridden(item: pytest.Function) -> set[str]:
    """The roles for which an item sees a fixture of the user's own."""
    return set(role_fixtures(item))


def cast_name(names: dict[str, str], item: pytest.Function) -> str:
    """What to call the roles that an item brings itself, the same in every process and in every run.

    Two fixtures may well return functions of one name, so it is also said where they stand and for which parameters
    they were made.

    Args:
        names: By role, what the roles call themselves.
        item: Which sees the fixtures.
    """
    place = origin(item, {role: d for role, d in role_fixtures(item).items() if role in names})
    return "+".join(dict.fromkeys(names.values())) + (f"({place})" if place else "")


def origin(item: pytest.Function, definitions: dict[str, Any]) -> str:
    """Where fixtures stand (nothing is said of the root's conftest.py), and the parameters they depend on."""
    places = dict.fromkeys(d.baseid for d in definitions.values() if d.baseid)
    callspec = getattr(item, "callspec", None)
    wanted, closure = [*definitions], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in closure:
            closure.add(name)
            for definition in item._fixtureinfo.name2fixturedefs.get(name, ())[-1:]:
                wanted += definition.argnames
    params = callspec.indices if callspec is not None else {}
    chosen = [f"{name}[{index}]" for name, index in sorted(params.items()) if name in closure and name != "ugst_case"]
    return " ".join([*places, *chosen])
