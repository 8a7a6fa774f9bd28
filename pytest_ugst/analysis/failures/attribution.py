"""The attribution of failed tasks to the simulator, the agent or both, from the goal states.

A domain's score of the agent's work assumes a user who does as the goal says. Where the user did not, a failed task
says little about the agent; the statuses of the user's goal tell these cases apart. The definitions are this project's
own (``docs/failures.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
from pytest_ugst.analysis.stats.means import Mean, Observation, mean
from pytest_ugst.analysis.stats.pass_k import pass_hat
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Tally

SOLVED = "task"
"""The score that says whether the agent solved the task; 1.0 if it did."""
_TASK = (Category.OBJECTIVE, Category.REQUIREMENT)


class Responsibility(StrEnum):
    """The party that is responsible for a failed task."""

    AGENT = "agent"
    """The user kept to the goal in everything."""
    SIMULATOR = "simulator"
    """The user did not see to the task: an objective or requirement failed, or the simulator failed with an error."""
    BOTH = "both"
    """The user saw to the whole task, but strayed in how: profile, policy or preference."""
    UNDECIDED = "undecided"
    """The answer depends on verdicts that are missing."""


class GoalAdherence(StrEnum):
    """The degree to which a user kept to the goal."""

    KEPT = "kept"
    """Every sub-component is a success."""
    STRAYED = "strayed"
    """At least one sub-component is not a success."""
    UNDECIDED = "undecided"
    """No sub-component is known to have failed, and verdicts are missing."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The attribution of one episode of a domain that scores the agent's work."""

    goal: str
    solved: bool
    adherence: GoalAdherence
    fault: Responsibility | None
    """None for a solved task."""


def attribute(tally: Tally, stop: StopReason | None, task: Mapping[str, float]) -> Attribution | None:
    """Attribute the task of an episode.

    Args:
        tally: The counts of the episode's sub-components at the end.
        stop: The reason why the conversation ended.
        task: The scores that the domain gave, by name.

    Returns:
        The attribution, or None if there is no score of the task.
    """
    if SOLVED not in task:
        return None
    solved = task[SOLVED] == 1.0
    return Attribution(tally.goal, solved, _adherence(tally, stop), None if solved else _fault(tally, stop))


def _failed(tally: Tally, *categories: Category) -> int:
    counts = [count for category, count in tally.counts.items() if category in (categories or Category)]
    return sum(count.total - count.successes - count.errors for count in counts)


def _missing(tally: Tally, *categories: Category) -> bool:
    counts = [count for category, count in tally.counts.items() if category in (categories or Category)]
    return not tally.measured or any(count.errors for count in counts)


def _adherence(tally: Tally, stop: StopReason | None) -> GoalAdherence:
    if _failed(tally) or stop is StopReason.USER_ERROR:
        return GoalAdherence.STRAYED
    return GoalAdherence.UNDECIDED if _missing(tally) else GoalAdherence.KEPT


def _fault(tally: Tally, stop: StopReason | None) -> Responsibility:
    if stop is StopReason.USER_ERROR:
        return Responsibility.SIMULATOR
    if stop is StopReason.AGENT_ERROR:
        return Responsibility.BOTH if _failed(tally) else Responsibility.AGENT
    if _failed(tally, *_TASK):
        return Responsibility.SIMULATOR
    if _missing(tally, *_TASK):
        return Responsibility.UNDECIDED
    if _failed(tally):
        return Responsibility.BOTH
    return Responsibility.UNDECIDED if _missing(tally) else Responsibility.AGENT


@dataclass(frozen=True, slots=True)
class Score:
    """The share of tasks that the agent solved, over one set of episodes."""

    solved: Mean
    """pass^1: percent of a goal's trials, averaged over goals, with an interval over goals. Its ``n`` counts goals."""
    episodes: int
    hat: dict[int, float] = field(default_factory=dict)
    """pass^k in percent by k, up to the smallest number of trials that a goal has."""


@dataclass(frozen=True, slots=True)
class AttributionSummary:
    """The attribution of the failed tasks of one set of episodes."""

    raw: Score
    """The score over all episodes."""
    kept: Score
    """The score over the episodes whose simulator kept to its goal."""
    faults: dict[Responsibility, int]
    """The number of failed tasks by who is responsible."""
    lucky: int
    """The number of tasks that were solved although the simulator strayed."""
    undecided: int
    """The number of episodes of which missing verdicts leave open whether the simulator kept to its goal."""


def attribution_summary(episodes: Iterable[Attribution], *, resamples: int = RESAMPLES) -> AttributionSummary:
    """Count failed tasks by who is responsible, and score the agent with and without episodes of straying simulators.

    Args:
        episodes: Attributions of one domain.
        resamples: Bootstrap resamples; 0 leaves the intervals out.
    """
    every = list(episodes)

    def score(holds: Callable[[Attribution], bool]) -> Score:
        return _score([one for one in every if holds(one)], resamples)

    return AttributionSummary(
        raw=score(lambda one: True),
        kept=score(lambda one: one.adherence is GoalAdherence.KEPT),
        faults={fault: sum(one.fault is fault for one in every) for fault in Responsibility},
        lucky=sum(one.solved and one.adherence is GoalAdherence.STRAYED for one in every),
        undecided=sum(one.adherence is GoalAdherence.UNDECIDED for one in every),
    )


def _score(episodes: list[Attribution], resamples: int) -> Score:
    trials: dict[str, list[bool]] = {}
    for one in episodes:
        trials.setdefault(one.goal, []).append(one.solved)
    fewest = min(map(len, trials.values()), default=0)
    hat = {}
    for k in range(1, fewest + 1):
        value = pass_hat(trials, k)
        assert value is not None
        hat[k] = 100 * value
    samples = (Observation("", goal, 100.0 * sum(solved) / len(solved)) for goal, solved in trials.items())
    return Score(mean(samples, resamples=resamples), len(episodes), hat)
