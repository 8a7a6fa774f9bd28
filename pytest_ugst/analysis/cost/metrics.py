"""What playing and judging cost: per role, per episode and per verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage

JUDGE = "judge"


@dataclass(slots=True)
class Cost:
    """The usage of a run's episodes, added up."""

    episodes: int = 0
    verdicts: int = 0
    """Verdicts that a model was asked for, those without a status included: they were paid for as well."""
    failed: int = 0
    """How many of them have no status."""
    roles: dict[str, Usage] = field(default_factory=dict)
    """In the order in which roles first occur."""
    seconds: float = 0.0
    """How long the episodes took, each by itself; several run at once, so a run takes less."""

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        self.episodes += 1
        self.seconds += episode.seconds
        for role, usage in episode.usage.items():
            self.roles[role] = self.roles.get(role, Usage()) + usage
        asked = [verdict for verdict in episode.verdicts if verdict.by != CHECKS]
        self.verdicts += len(asked)
        self.failed += sum(verdict.status is None for verdict in asked)

    @property
    def total(self) -> Usage:
        """Of all roles."""
        return sum(self.roles.values(), Usage())


def cost(episodes: Iterable[Episode]) -> Cost:
    """Add up what the episodes cost, one at a time."""
    made = Cost()
    for episode in episodes:
        made.add(episode)
    return made


def per(usage: Usage, count: int) -> dict[str, float] | None:
    """A usage by something that occurs ``count`` times; None where it never does."""
    return {name: getattr(usage, name) / count for name in type(usage).model_fields} if count else None
