"""Second opinions: where a check that stands beside the judge says something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.state import Status, last_status
from pytest_ugst.core.tracking import ComponentState, GoalState
from pytest_ugst.core.verdict import Verdict


class Rules(Protocol):
    """What evaluates checks."""

    def verdicts(self, components: Iterable[Component], conversation: Conversation, turn: int) -> list[Verdict]:
        """One verdict per component after a turn."""

    def finish(self, components: Iterable[Component], conversation: Conversation) -> list[Verdict]:
        """What can be said only at the end."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One sub-component of one episode on which judge and check differ."""

    episode: str
    component: str
    text: str
    judge: Status
    judge_turn: int | None
    """When the judge said so; None for a status nobody had to give."""
    check: Status
    check_turn: int | None


@dataclass(slots=True)
class Opinions:
    """All second opinions of a run."""

    compared: int = 0
    differing: list[Disagreement] = field(default_factory=list)
    undecided: int = 0
    """Sub-components of which one of the two has no trustworthy status."""


def compare(episodes: Iterable[Episode], rules: Rules) -> Opinions:
    """Evaluate the checks that stand beside the judge, and hold them against its statuses at the end.

    What is compared is whether a sub-component has reached the last status of its category (COMPLETE, or ALIGNED for a
    preference, or MISALIGNED for profile and policy): few checks tell an attempt from nothing.

    Args:
        episodes: Played with a model as judge; components whose check decided by itself are left out.
        rules: Evaluates the checks.
    """
    opinions = Opinions()
    for episode in episodes:
        beside = [c for c in episode.components if c.check is not None and c.check.beside]
        said = {verdict.component for verdict in episode.verdicts if verdict.by not in ("", "checks")}
        beside = [c for c in beside if c.id in said]
        if not beside:
            continue
        second = _second(beside, episode, rules)
        for component in beside:
            judge, check = episode.final_state[component.id], second[component.id]
            if judge.error is not None or check.error is not None:
                opinions.undecided += 1
                continue
            opinions.compared += 1
            last = last_status(component.category)
            if (judge.status is last) != (check.status is last):
                opinions.differing.append(
                    Disagreement(
                        episode.id, component.id, component.text, judge.status, _when(judge), check.status, _when(check)
                    )
                )
    return opinions


def _second(components: Sequence[Component], episode: Episode, rules: Rules) -> GoalState:
    heard = episode.conversation
    verdicts = [v for turn in range(1, len(heard.turns) + 1) for v in rules.verdicts(components, heard, turn)]
    verdicts += rules.finish(components, heard)
    return GoalState.fold(components, verdicts, len(heard.turns), episode.broken_off)


def _when(state: ComponentState) -> int | None:
    reached = state.status is last_status(state.category)
    return next((v.turn for v in state.verdicts if v.status is state.status), None) if reached else None
