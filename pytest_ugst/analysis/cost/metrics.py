"""The cost of playing and judging: per role, per episode and per verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage

JUDGE = "judge"
"""The role whose usage is divided by verdicts."""


@dataclass(slots=True)
class Cost:
    """The usage of a run's episodes, added up."""

    episodes: int = 0
    verdicts: int = 0
    """The number of verdicts that a model was asked for, with those that have no status: they were paid for as well."""
    failed: int = 0
    """The number of those that have no status."""
    roles: dict[str, Usage] = field(default_factory=dict)
    """Usage by role, in the order in which roles first occur."""
    seconds: float = 0.0
    """The sum of the durations of the episodes; several run at once, so a run takes less."""

    def add(self, episode: Episode) -> None:
        """Add an episode."""
        self.episodes += 1
        self.seconds += episode.seconds
        for role, usage in episode.usage.items():
            self.roles[role] = self.roles.get(role, Usage()) + usage
        judged = [verdict for verdict in episode.verdicts if verdict.by != CHECKS]
        self.verdicts += len(judged)
        self.failed += sum(verdict.status is None for verdict in judged)

    @property
    def total(self) -> Usage:
        """The usage of all roles together."""
        return sum(self.roles.values(), Usage())


def cost(episodes: Iterable[Episode]) -> Cost:
    """Add up the cost of episodes, reading one at a time."""
    result = Cost()
    for episode in episodes:
        result.add(episode)
    return result


def usage_per(usage: Usage, count: int) -> dict[str, float] | None:
    """Return the usage per occurrence of something that occurs ``count`` times; None if it never does."""
    return {name: getattr(usage, name) / count for name in type(usage).model_fields} if count else None
