"""Second opinions: where a check that stands beside the judge says something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import ComponentState, GoalState
from pytest_ugst.core.status import Status, last_status
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
        beside = judged_and_checked(episode)
        if not beside:
            continue
        heard = episode.conversation
        second = GoalState.fold(beside, by_rules(beside, heard, rules), len(heard.turns), episode.broken_off)
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


def judged_and_checked(episode: Episode) -> list[Component]:
    """The sub-components that judge and check both have a say on."""
    judged = {verdict.component for verdict in episode.verdicts if verdict.by not in ("", CHECKS)}
    return [c for c in episode.components if c.check is not None and c.check.beside and c.id in judged]


def by_rules(components: Sequence[Component], conversation: Conversation, rules: Rules) -> list[Verdict]:
    """All that rules say of a conversation, after every turn and at the end."""
    turns = range(1, len(conversation.turns) + 1)
    verdicts = [verdict for turn in turns for verdict in rules.verdicts(components, conversation, turn)]
    return verdicts + rules.finish(components, conversation)


def _when(state: ComponentState) -> int | None:
    reached = state.status is last_status(state.category)
    return next((v.turn for v in state.verdicts if v.status is state.status), None) if reached else None
