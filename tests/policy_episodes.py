"""Episodes of one turn whose policies, by name, were kept or not: ``episode("g", {"polite": True, "kind": False})``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Status
from tests.factories import make_episode, make_goal, policy, verdict


def episode(
    goal: str, kept: Mapping[str, bool], *, text: str = "You want tea.", domain: str = "town", **fields: Any
) -> Episode:
    """Return such an episode.

    Args:
        goal: The goal's id.
        kept: Whether each policy was kept, by name.
        text: The goal's text.
        domain: The goal's domain.
        fields: More of the episode, as :func:`tests.factories.make_episode` takes them.
    """
    return make_episode(
        make_goal(goal, *map(policy, kept), text=text, domain=domain),
        *(verdict(name, 1, Status.ALIGNED if good else Status.MISALIGNED) for name, good in kept.items()),
        **fields,
    )
