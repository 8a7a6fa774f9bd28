"""The concierge suite: the shipped goals of a fictional town, all covered by checks, so that no model is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode

pytestmark = pytest.mark.ugst(goals="concierge", split=["test", "train"])


def test_goal_alignment(episode: Episode, subtests: pytest.Subtests) -> None:
    """At the end of the conversation the user has stayed with every part of the goal."""
    for component in episode.final_state:
        with subtests.test(component.category, text=component.text):
            assert component.succeeded, component.explain()
