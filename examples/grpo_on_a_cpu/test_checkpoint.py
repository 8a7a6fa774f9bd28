"""The test goals, for the model that was trained."""

from __future__ import annotations

import pytest

import pytest_ugst as ugst

pytestmark = pytest.mark.ugst(goals="concierge:test")


def test_simulator_keeps_to_its_goal(episode: ugst.Episode) -> None:
    """Check every sub-component of the goal."""
    assert episode.succeeded, episode.explain()
