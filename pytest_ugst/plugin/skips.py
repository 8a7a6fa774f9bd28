"""The rules by which tests are skipped before anything is played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pytest_ugst.plugin.cases import case_of

SkipCounts = Counter[tuple[str, str]]
"""Numbers of tests that are skipped for want of data or of a role, by file name and reason."""


def is_sure_to_skip(item: pytest.Item) -> bool:
    """Return whether the item's marks alone say that it will be skipped; conditions in a string are not evaluated."""
    conditions = (
        condition
        for mark in item.iter_markers("skipif")
        for condition in (mark.args or (mark.kwargs.get("condition"),))
        if isinstance(condition, bool)
    )
    return item.get_closest_marker("skip") is not None or any(conditions)


def without_skipped(
    items: Sequence[pytest.Function], why_not: Callable[[Sequence[pytest.Function]], str | None]
) -> tuple[list[pytest.Function], SkipCounts]:
    """Leave out the tests that are not played: those that are sure to skip, and files that can't be played here.

    A file is skipped as a whole, by a mark with the reason, and only where its tests ask for that by their marker.

    Args:
        items: The tests that ask for episodes.
        why_not: Returns why tests of one file can't be played; None if they can.

    Returns:
        The tests that are played, and what is skipped.
    """
    counts: SkipCounts = Counter()
    left: list[pytest.Function] = []
    files: dict[Path, list[pytest.Function]] = {}
    for item in items:
        if not is_sure_to_skip(item):
            left.append(item)
            if case_of(item).optional and case_of(item).goal is not None:
                files.setdefault(item.path, []).append(item)
        elif case_of(item).skip and (mark := item.get_closest_marker("skip")) is not None:
            counts[item.path.name, str(mark.kwargs["reason"])] += 1
    for optional in files.values():
        if (reason := why_not(optional)) is not None:
            for item in optional:
                counts[item.path.name, reason] += 1
                item.add_marker(pytest.mark.skip(reason=reason))
    return [item for item in left if item.get_closest_marker("skip") is None], counts
