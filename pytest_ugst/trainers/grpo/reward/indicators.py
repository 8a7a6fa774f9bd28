"""The five conditions of equation 3, by what a user's turn did to the goal state.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 5.3, which leaves open when
exactly a condition is met. Here (see ``docs/grpo.md``), with S the goal state before the turn and S' the one after it:

- *Profile, policy*: 1 unless the turn breaks a sub-component that was ALIGNED in S. One that was broken earlier is
  past mending and does not count.
- *Objective, requirement, preference*: 1 if a sub-component of the category rose, or if none was left to raise: all
  of them (or there is none) count as success in S.
- If the turn ends the conversation, nothing can come after it, so for these three it is 1 only if all of the category
  count as success in S'.

An indicator that depends on a missing verdict is None: it could be 0 as well as 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from pytest_ugst.core.goal_state import ComponentState, GoalState
from pytest_ugst.core.status import CHAINS, HELD, SUCCESS, Category, Status, advance
from pytest_ugst.core.verdict import Verdict

ALPHA = 0.5
"""The paper's weight of every condition."""


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """The alphas of equation 3, by category."""

    profile: float = ALPHA
    policy: float = ALPHA
    objective: float = ALPHA
    requirement: float = ALPHA
    preference: float = ALPHA

    def __getitem__(self, category: Category) -> float:
        """Return the weight of a category."""
        value: float = getattr(self, category.value)
        return value


@dataclass(frozen=True, slots=True)
class Indicators:
    """The value of each condition: 0 to 1 (only 0 or 1 unless graded), or None where it is unknown."""

    profile: float | None
    policy: float | None
    objective: float | None
    requirement: float | None
    preference: float | None

    def __iter__(self) -> Iterator[tuple[Category, float | None]]:
        """Yield the categories, each with its value."""
        for field in fields(self):
            yield Category(field.name), getattr(self, field.name)

    def __getitem__(self, category: Category) -> float | None:
        """Return the value of a category."""
        value: float | None = getattr(self, category.value)
        return value

    def total(self, weights: RewardWeights) -> float | None:
        """Return the weighted sum of equation 3; None if a condition that counts is unknown."""
        total = 0.0
        for category, value in self:
            if weights[category] == 0.0:
                continue
            if value is None:
                return None
            total += weights[category] * value
        return total


def indicators(
    before: GoalState, verdicts: Iterable[Verdict], *, ended: bool = False, silent: bool = False, graded: bool = False
) -> Indicators:
    """Return which conditions a turn meets.

    Args:
        before: S, the goal state before the turn. Settled sub-components need no verdict.
        verdicts: The verdicts about the turn, in any order; of several about one sub-component the furthest along its
            chain counts, as in the law of statuses. An error, or a status of another category, is a missing verdict.
        ended: Whether the conversation is over with this turn.
        silent: Whether nothing was said, as in a termination message of its own: then what no verdict is about has
            stayed as it was, and is not missing.
        graded: Whether a condition is the share of sub-components instead of 0 or 1: of those that could be broken, the
            ones that were not; of those left to raise, the ones that rose; at the end, of all, the ones that count as
            success.

    Returns:
        The indicators. None stands where two ways to fill in the missing verdicts would give two values.
    """
    after = _after(before, verdicts, silent)
    grouped: dict[Category, list[tuple[ComponentState, Status | None]]] = {category: [] for category in Category}
    for item in before:
        grouped[item.category].append((item, after[item.component.id]))
    values = {}
    for category, pairs in grouped.items():
        marks = _marks(category, pairs, ended)
        need_all = ended or category in HELD
        values[category.value] = _share(marks) if graded else _all(marks) if need_all else _any(marks)
    return Indicators(**values)


def _after(before: GoalState, verdicts: Iterable[Verdict], silent: bool) -> Mapping[str, Status | None]:
    """Return every sub-component's status after the turn; None where it is open and a verdict is missing."""
    known = {item.component.id: item for item in before}
    after: dict[str, Status | None] = {
        id: item.status if silent or item.settled else None for id, item in known.items()
    }
    missing: set[str] = set()
    for verdict in verdicts:
        item = known.get(verdict.component)
        if item is None:
            continue
        if verdict.status is None or verdict.status not in CHAINS[item.category]:
            missing.add(verdict.component)
            continue
        so_far = after[verdict.component] or item.status
        after[verdict.component] = advance(item.category, so_far, verdict.status)
    for id in missing:
        if after[id] is known[id].status and not known[id].settled:
            after[id] = None  # the missing one might have moved it
    return after


def _marks(category: Category, pairs: list[tuple[ComponentState, Status | None]], ended: bool) -> list[bool | None]:
    """Return, for each sub-component that the condition is about, whether it does its part; None where unknown."""
    marks: list[bool | None] = []
    for item, now in pairs:
        if category in HELD:
            if not item.settled:
                marks.append(None if now is None else now is Status.ALIGNED)
        elif ended:
            # What counts as success already can't lose it by a verdict that is missing.
            marks.append(True if item.status in SUCCESS else None if now is None else now in SUCCESS)
        elif not item.settled:
            marks.append(None if now is None else now is not item.status)
    if category not in HELD and not ended and all(item.status in SUCCESS for item, _ in pairs):
        return [True]  # nothing was left to raise
    return marks or [True]


def _all(marks: list[bool | None]) -> float | None:
    if False in marks:
        return 0.0
    return None if None in marks else 1.0


def _any(marks: list[bool | None]) -> float | None:
    if True in marks:
        return 1.0
    return None if None in marks else 0.0


def _share(marks: list[bool | None]) -> float | None:
    return None if None in marks else sum(mark is True for mark in marks) / len(marks)
