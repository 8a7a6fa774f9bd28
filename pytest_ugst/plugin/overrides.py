"""Fixtures of the user's own: which roles a test brings itself, and which tests share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pytest

from pytest_ugst.plugin.keys import is_shipped
from pytest_ugst.roles.resolver import ROLES

_CACHED: pytest.StashKey[FixtureOverrides] = pytest.StashKey()


class FixtureOverrides:
    """The fixtures ``simulator``, ``agent``, ``judge`` and ``goal`` that a test sees in place of ours."""

    def __init__(self, item: pytest.Function) -> None:
        """Look up nothing yet.

        Args:
            item: The test that sees the fixtures.
        """
        self._item = item

    @classmethod
    def of(cls, item: pytest.Function) -> FixtureOverrides:
        """Return the overrides of an item, looked up once."""
        found = item.stash.get(_CACHED, None)
        if found is None:
            found = item.stash[_CACHED] = cls(item)
        return found

    @cached_property
    def definitions(self) -> Mapping[str, Any]:
        """The fixture definitions in effect, by role; the overridden ones only."""
        found = {}
        for role in (*ROLES, "goal"):
            definitions: Iterable[Any] = self._item._fixtureinfo.name2fixturedefs.get(role, ())
            for definition in list(definitions)[-1:]:
                if not is_shipped(definition.func):
                    found[role] = definition
        return found

    @property
    def roles(self) -> set[str]:
        """The roles that the test brings itself, ``goal`` among them."""
        return set(self.definitions)

    def roles_name(self, names: Mapping[str, str]) -> str:
        """Return a name for the roles that the test brings itself, the same in every process and in every run.

        Two fixtures may well return functions of one name, so it also says where they stand and for which parameters
        they were made.

        Args:
            names: By role, what the roles call themselves.
        """
        origin = self._origin({role: d for role, d in self.definitions.items() if role in names})
        return "+".join(dict.fromkeys(names.values())) + (f"({origin})" if origin else "")

    @cached_property
    def can_be_shared(self) -> bool:
        """Whether other tests may get the very values of these fixtures: none is made for one test alone."""
        return "goal" not in self.definitions and all(d.scope != "function" for d in self.definitions.values())

    def has_value_for(self, other: FixtureOverrides) -> bool:
        """Return whether another test gets the very values that this test's fixtures have returned."""
        mine = self.definitions
        if not self.can_be_shared or other.definitions != mine:
            return False
        here, there = self._item, other._item
        same_class = all(d.scope != "class" or there.cls is here.cls for d in mine.values())
        same_file = all(d.scope not in ("module", "package") or there.path == here.path for d in mine.values())
        return same_class and same_file and other._origin(mine) == self._origin(mine)

    def _origin(self, definitions: Mapping[str, Any]) -> str:
        """Return where fixtures stand (nothing for the root's conftest.py), and the parameters they depend on."""
        places = dict.fromkeys(d.baseid for d in definitions.values() if d.baseid)
        callspec = getattr(self._item, "callspec", None)
        wanted, closure = [*definitions], set[str]()
        while wanted:
            name = wanted.pop()
            if name not in closure:
                closure.add(name)
                for definition in self._item._fixtureinfo.name2fixturedefs.get(name, ())[-1:]:
                    wanted += definition.argnames
        params = callspec.indices if callspec is not None else {}
        chosen = [f"{name}[{i}]" for name, i in sorted(params.items()) if name in closure and name != "ugst_case"]
        return " ".join([*places, *chosen])


def overridden(item: pytest.Function) -> set[str]:
    """Return the roles that an item brings itself, ``goal`` among them."""
    return FixtureOverrides.of(item).roles
