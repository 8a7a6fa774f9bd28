"""The share of each failure pattern in a set of episodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pytest_ugst.analysis.failures.episodes import EpisodeFailures
from pytest_ugst.analysis.failures.record import Pattern
from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
from pytest_ugst.analysis.stats.means import Mean, Observation, mean

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
class Shares:
    """The failure patterns of one set of episodes."""

    episodes: int
    failed: int
    undecided: int
    primary: Mapping[Pattern, Mean]
    """Percent of the failed episodes whose primary pattern it is, with intervals over goals."""
    shown: Mapping[Pattern, int] = field(default_factory=dict)
    """Number of episodes in which it shows, as the primary one or beside it."""


def shares(episodes: Iterable[EpisodeFailures], *, resamples: int = RESAMPLES) -> Shares:
    """Compute the share of each pattern among the primary patterns of the failed episodes.

    Args:
        episodes: All that were played, failed or not.
        resamples: Bootstrap resamples; 0 leaves the intervals out.
    """
    every = list(episodes)
    failed = [episode for episode in every if episode.failures]
    return Shares(
        episodes=len(every),
        failed=len(failed),
        undecided=sum(episode.undecided for episode in every),
        primary={
            # All episodes count equally, whichever benchmark they are of.
            pattern: mean(
                (Observation("", episode.key, 100.0 * (episode.failures[0].pattern is pattern)) for episode in failed),
                resamples=resamples,
            )
            for pattern in Pattern
        },
        shown={
            pattern: sum(any(failure.pattern is pattern for failure in episode.failures) for episode in failed)
            for pattern in Pattern
        },
    )
