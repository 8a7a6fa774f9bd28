"""The goals that the simulator has to play; the gate looks at all of them together."""

from __future__ import annotations

import pytest

import pytest_ugst as ugst

pytestmark = pytest.mark.ugst(goals="concierge:test")


def test_simulator_keeps_to_its_goal(episode: ugst.Episode) -> None:
    """Check every sub-component of the goal; with a gate, a failure only counts."""
    assert episode.succeeded, episode.explain()
