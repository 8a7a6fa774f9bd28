"""Second opinions: sub-components on which a check that stands beside the judge differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import ComponentState, GoalState
from pytest_ugst.core.status import Status, last_status
from pytest_ugst.core.verdict import Verdict

if TYPE_CHECKING:
    from pytest_ugst.judges.checks import ChecksJudge


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A sub-component of an episode on which judge and check differ."""

    episode: str
    component: str
    text: str
    judge: Status
    judge_turn: int | None
    """The turn in which the judge gave it; None for a status that nobody had to give."""
    check: Status
    check_turn: int | None


@dataclass(slots=True)
class SecondOpinions:
    """The second opinions of a run: statuses by checks, compared with those of the judge at the end.

    The comparison is whether a sub-component has reached the last status of its category (COMPLETE, or ALIGNED for a
    preference, or MISALIGNED for profile and policy); few checks tell an attempt from nothing.
    """

    compared: int = 0
    """The number of sub-components that were compared."""
    differing: list[Disagreement] = field(default_factory=list)
    undecided: int = 0
    """The number of sub-components of which one of the two has no trustworthy status."""

    def add(self, episode: Episode, components: Sequence[Component], verdicts: Iterable[Verdict]) -> None:
        """Compare an episode's statuses with those of other verdicts.

        Args:
            episode: A played or judged episode.
            components: The sub-components to compare.
            verdicts: The verdicts of the checks on them.
        """
        second = GoalState.fold(components, verdicts, len(episode.conversation.turns), episode.broken_off)
        for component in components:
            judge, check = episode.final_state[component.id], second[component.id]
            if judge.error is not None or check.error is not None:
                self.undecided += 1
                continue
            self.compared += 1
            last = last_status(component.category)
            if (judge.status is last) != (check.status is last):
                self.differing.append(
                    Disagreement(
                        episode.id, component.id, component.text, judge.status, _when(judge), check.status, _when(check)
                    )
                )

    def add_recorded(self, episode: Episode) -> None:
        """Compare an episode's statuses with the second opinions that were recorded while it was judged."""
        if episode.setting.checks == "beside":
            self.add(episode, judged_and_checked(episode), episode.second_opinions)


def compare(episodes: Iterable[Episode], checks: ChecksJudge) -> SecondOpinions:
    """Evaluate the checks that stand beside the judge, and compare them with its statuses at the end.

    Args:
        episodes: Episodes with a model as judge; components whose check decided by itself are left out.
        checks: Evaluates the checks.
    """
    opinions = SecondOpinions()
    for episode in episodes:
        if beside := judged_and_checked(episode):
            opinions.add(episode, beside, checks.judge_whole(beside, episode.conversation))
    return opinions


def judged_and_checked(episode: Episode) -> list[Component]:
    """Return the sub-components that the judge gives a status, and a check could as well."""
    judged = {verdict.component for verdict in episode.verdicts if verdict.by not in ("", CHECKS)}
    return [c for c in episode.components if c.check is not None and c.id in judged]


def _when(state: ComponentState) -> int | None:
    reached = state.status is last_status(state.category)
    return next((v.turn for v in state.verdicts if v.status is state.status), None) if reached else None
