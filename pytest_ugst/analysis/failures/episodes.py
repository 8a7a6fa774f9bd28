"""The failure patterns of the episodes of runs, as far as shares and lists need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ugst.analysis.failures.patterns import classify
from pytest_ugst.analysis.failures.record import Failure

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode, EpisodeConfig
    from pytest_ugst.runs.run import StoredRun


@dataclass(frozen=True, slots=True)
class EpisodeFailures:
    """The failure patterns of one episode."""

    id: str
    benchmark: str
    goal: str
    """Id of the goal in the benchmark."""
    setting: EpisodeConfig
    failures: tuple[Failure, ...]
    """The primary one first."""
    undecided: bool
    """Whether verdicts are missing, so that the episode may have failed without showing it."""

    @property
    def key(self) -> str:
        """A name for the goal that no goal of another benchmark has."""
        return f"{self.benchmark}/{self.goal}"


@dataclass(slots=True)
class ClassifiedRuns:
    """The failure patterns of all episodes of runs."""

    episodes: dict[str, list[EpisodeFailures]] = field(default_factory=dict)
    """By the run's name, one per episode in the order of the journal."""
    errors: list[str] = field(default_factory=list)
    """One message per episode about which a model gave no usable answer, so that the guess of the rules stays."""


def episode_failures(episode: Episode, failures: tuple[Failure, ...]) -> EpisodeFailures:
    """Return what shares and lists need of an episode and its failure patterns."""
    missing = any(state.error is not None for state in episode.final_state) or not episode.components
    return EpisodeFailures(
        id=episode.id,
        benchmark=episode.goal.domain or "",
        goal=episode.goal.id,
        setting=episode.setting,
        failures=failures,
        undecided=missing and not failures,
    )


def classify_by_rule(runs: Mapping[str, StoredRun]) -> ClassifiedRuns:
    """Classify the episodes of runs by rule alone.

    Args:
        runs: By name.
    """
    return ClassifiedRuns(
        {name: [episode_failures(episode, classify(episode)) for episode in run.journal] for name, run in runs.items()}
    )
