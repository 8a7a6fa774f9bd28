"""How often each failure pattern occurs in a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_ugst.analysis.failures.record import Failure, Pattern
from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
from pytest_ugst.analysis.stats.means import Mean, Observation, mean
from pytest_ugst.core.episode import Episode

PAPER: Mapping[Pattern, float] = {
    Pattern.CONFUSION: 33.0,
    Pattern.CONTRADICTION: 23.0,
    Pattern.WRONGFUL_TERMINATION: 21.0,
    Pattern.POOR_LENGTH_MANAGEMENT: 12.0,
    Pattern.MISPRIORITIZATION: 11.0,
}
"""Percent of the failures that people found in conversations of Llama-3.1-8B and Qwen2.5-7B. Source: Table 1 of "Goal
Alignment in LLM-Based User Simulators for Conversational AI"."""


@dataclass(frozen=True, slots=True)
class EpisodeFailures:
    """What the shares need to know of one episode."""

    id: str
    benchmark: str
    goal: str
    """Its id in the benchmark."""
    failures: tuple[Failure, ...]
    """The primary one first."""
    undecided: bool
    """Whether verdicts are missing, so that the episode may have failed without showing it."""

    @property
    def key(self) -> str:
        """The goal, unlike any of another benchmark."""
        return f"{self.benchmark}/{self.goal}"


@dataclass(frozen=True, slots=True)
class Shares:
    """The failure patterns of one set of episodes."""

    episodes: int
    failed: int
    undecided: int
    primary: Mapping[Pattern, Mean]
    """Percent of the failed episodes whose primary pattern it is, with intervals over goals."""
    shown: Mapping[Pattern, int] = field(default_factory=dict)
    """In how many episodes it shows, as the primary one or beside it."""


def episode_failures(episode: Episode, failures: tuple[Failure, ...]) -> EpisodeFailures:
    """An episode with its patterns, in short."""
    errors = any(state.error is not None for state in episode.final_state) or not episode.components
    return EpisodeFailures(episode.id, episode.goal.domain or "", episode.goal.id, failures, errors and not failures)


def shares(episodes: Iterable[EpisodeFailures], *, resamples: int = RESAMPLES) -> Shares:
    """The share of each pattern.

    Args:
        episodes: All that were played, failed or not.
        resamples: Bootstrap resamples; 0 leaves the intervals out.
    """
    every = list(episodes)
    failed = [one for one in every if one.failures]
    return Shares(
        episodes=len(every),
        failed=len(failed),
        undecided=sum(one.undecided for one in every),
        primary={
            # All episodes count equally, whichever benchmark they are of.
            pattern: mean(
                (Observation("", one.key, 100.0 * (one.failures[0].pattern is pattern)) for one in failed),
                resamples=resamples,
            )
            for pattern in Pattern
        },
        shown={pattern: sum(any(f.pattern is pattern for f in one.failures) for one in failed) for pattern in Pattern},
    )
