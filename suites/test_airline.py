"""The airline suite: tau-bench's goals of an airline's customers, in its tools and database.

Needs the data ("ugst data fetch tau-bench") and models as simulator, agent and judge; it is skipped without them.
A decomposition of your own is played with --ugst-goals=FILE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode

pytestmark = pytest.mark.ugst(goals="airline", split=["test"], unplayable="skip")


def test_goal_alignment(episode: Episode, subtests: pytest.Subtests) -> None:
    """At the end of the conversation the user has stayed with every part of the goal."""
    for component in episode.final_state:
        with subtests.test(component.category, text=component.text):
            assert component.succeeded, component.explain()
