"""The registry: what a name may stand for."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import NoSession
from pytest_ugst.core.registry import Registry


class Shop:
    """A domain without tools."""

    name = "shop"

    def __init__(self, shelves: int = 3) -> None:
        self.shelves = shelves

    def open(self, goal: Goal, seed: int) -> NoSession:
        return NoSession()


class Chain(Shop):
    """A domain that needs an argument."""

    def __init__(self, shelves: int) -> None:
        super().__init__(shelves)


def with_context(argument: str | None, context: object) -> Shop:
    return Shop()


SHOP = Shop()


@pytest.mark.parametrize("load", [Shop, lambda: Shop(), partial(Shop, 3), partial(Shop, shelves=3), SHOP])
def test_a_domain_is_a_callable_without_arguments_or_ready(load: Any) -> None:
    registry = Registry()
    registry.domain("shop", load)
    loaded = registry.domains.get("shop")()
    assert isinstance(loaded, Shop)
    assert loaded.shelves == 3


def test_a_ready_domain_stays_the_same_object() -> None:
    registry = Registry()
    registry.domain("shop", SHOP)
    assert registry.domains.get("shop")() is SHOP is registry.domains.get("shop")()


@pytest.mark.parametrize(
    ("load", "given"),
    [
        (with_context, "with_context(argument: 'str | None', context: 'object') -> 'Shop', which needs arguments"),
        (lambda argument, context: Shop(), "<lambda>(argument, context), which needs arguments"),
        (Chain, "Chain(shelves: 'int') -> 'None', which needs arguments"),
        ("shop", "str object"),
        (None, "NoneType object"),
        (NoSession(), "NoSession object"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(load: Any, given: str) -> None:
    registry = Registry()
    with pytest.raises(UsageError) as error:
        registry.domain("shop", load)
    assert f"the domain 'shop' is registered with {given}; write registry.domain('shop', load)" in str(error.value)
    assert "takes no arguments and returns the domain, or give the domain itself" in str(error.value)
    assert "shop" not in registry.domains


def test_a_name_is_registered_once() -> None:
    registry = Registry()
    registry.domain("shop", Shop)
    with pytest.raises(UsageError, match="the domain 'shop' is registered twice"):
        registry.domain("shop", Shop)
