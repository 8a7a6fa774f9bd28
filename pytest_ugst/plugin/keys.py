"""Marks that the plugin leaves on items and on its own fixtures; they know nothing of what reads them.

Imported in every pytest run of an environment that has us installed, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])

STRAYED: pytest.StashKey[bool] = pytest.StashKey()
"""On an item: whether the simulator of its episode did not stay with its goal."""
_SHIPPED = "__ugst_shipped__"


def shipped(function: F) -> F:
    """Mark a fixture function as ours, to tell it from one that overrides it."""
    setattr(function, _SHIPPED, True)
    return function


def is_shipped(function: Callable[..., Any]) -> bool:
    """Return whether a fixture function is ours."""
    return bool(getattr(function, _SHIPPED, False))
