"""The MultiWOZ Challenge suite: several objectives a goal, some of them impossible or conditional, in MultiWOZ's town.

Needs the data ("ugst data fetch multiwoz") and models as simulator and agent, and as judge of what no check decides; it
is skipped without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode

pytestmark = pytest.mark.ugst(goals="multiwoz_challenge", split=["test", "train"], unplayable="skip")


def test_goal_alignment(episode: Episode, subtests: pytest.Subtests) -> None:
    """At the end of the conversation the user has stayed with every part of the goal."""
    for component in episode.final_state:
        with subtests.test(component.category, text=component.text):
            assert component.succeeded, component.explain()
