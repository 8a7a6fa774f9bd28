"""The five conditions: what they are worth, and that a missing verdict is never taken for either answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import CHAINS, HELD, Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.trainers.grpo.reward.indicators import Indicators, RewardWeights, indicators
from tests.factories import make_component, verdict
from tests.strategies import components

FLAGS = {"ended": st.booleans(), "silent": st.booleans(), "graded": st.booleans()}


def said(component: Component, status: Status | None, turn: int = 2) -> Verdict:
    """A verdict, or a missing one."""
    return verdict(component.id, turn, status)


@st.composite
def moments(draw: st.DrawFn) -> tuple[GoalState, tuple[Verdict, ...]]:
    """A state after turn 1, and what is said of turn 2: of some sub-components nothing, of some an error."""
    made = draw(components(bare=True))
    first = [said(c, draw(st.sampled_from(CHAINS[c.category])), 1) for c in made]
    before = GoalState.fold(made, first, 1)
    second = []
    for component in before.open():
        status = draw(st.none() | st.sampled_from(CHAINS[component.category]))
        if status is not None or draw(st.booleans()):
            second.append(said(component, status))
    return before, tuple(draw(st.permutations(second)))


def filled_in(before: GoalState, verdicts: tuple[Verdict, ...], silent: bool) -> Iterator[tuple[Verdict, ...]]:
    """Yield every way in which the missing verdicts could have come out."""
    told = {v.component for v in verdicts if v.status is not None}
    failed = {v.component for v in verdicts if v.status is None}
    missing = [c for c in before.open() if c.id not in told and (c.id in failed or not silent)]
    kept = [v for v in verdicts if v.status is not None]
    for statuses in product(*(CHAINS[c.category] for c in missing)):
        yield (*kept, *(said(c, s) for c, s in zip(missing, statuses, strict=True)))


@given(moments(), st.fixed_dictionaries(FLAGS))
def test_what_is_told_is_what_any_missing_verdict_would_have_left(
    moment: tuple[GoalState, tuple[Verdict, ...]], flags: dict[str, Any]
) -> None:
    before, verdicts = moment
    got = indicators(before, verdicts, **flags)
    possible: dict[Category, set[float | None]] = {category: set() for category in Category}
    for whole in filled_in(before, verdicts, flags["silent"]):
        for category, value in indicators(before, whole, **flags):
            possible[category].add(value)
    for category, value in got:
        assert None not in possible[category], "nothing is missing, and it still can't be told"
        assert {value} == possible[category] if value is not None else len(possible[category]) > 1


@given(moments(), st.fixed_dictionaries(FLAGS), st.randoms())
def test_neither_order_nor_repetition_of_verdicts_shows(
    moment: tuple[GoalState, tuple[Verdict, ...]], flags: dict[str, Any], random: Any
) -> None:
    before, verdicts = moment
    shuffled = [*verdicts, *verdicts]
    random.shuffle(shuffled)
    assert indicators(before, shuffled, **flags) == indicators(before, verdicts, **flags)


@given(moments(), st.sampled_from(["ended", "silent"]), st.booleans())
def test_graded_agrees_with_the_plain_conditions_at_both_ends(
    moment: tuple[GoalState, tuple[Verdict, ...]], flag: str, on: bool
) -> None:
    before, verdicts = moment
    flags = {flag: on}
    plain, graded = indicators(before, verdicts, **flags), indicators(before, verdicts, **flags, graded=True)
    for category, value in graded:
        if value is None:
            continue
        assert 0.0 <= value <= 1.0
        need_all = category in HELD or (flag == "ended" and on)
        assert plain[category] == float(value == 1.0 if need_all else value > 0.0)


def state(category: str, *statuses: str) -> GoalState:
    made = [make_component(category, f"c{i}") for i in range(len(statuses))]
    return GoalState.fold(made, [said(c, Status(s), 1) for c, s in zip(made, statuses, strict=True)], 1)


def one(before: GoalState, *verdicts: str, **flags: bool) -> float | None:
    """The only indicator that a goal of one category tells something of."""
    category = before.components[0].category
    pairs = zip(before.open(), verdicts, strict=True)
    return indicators(before, [said(c, Status(v)) for c, v in pairs], **flags)[category]


@pytest.mark.parametrize(
    ("before", "verdicts", "flags", "value"),
    [
        (state("policy", "ALIGNED", "ALIGNED"), ("ALIGNED", "ALIGNED"), {}, 1.0),
        (state("policy", "ALIGNED", "ALIGNED"), ("ALIGNED", "MISALIGNED"), {}, 0.0),
        (state("policy", "ALIGNED", "ALIGNED"), ("ALIGNED", "MISALIGNED"), {"graded": True}, 0.5),
        # Broken long ago: neither held against this turn, nor to be mended by it.
        (state("profile", "MISALIGNED", "ALIGNED"), ("ALIGNED",), {}, 1.0),
        (state("profile", "MISALIGNED"), (), {}, 1.0),
        (state("objective", "INCOMPLETE", "INCOMPLETE"), ("INCOMPLETE", "INCOMPLETE"), {}, 0.0),
        (state("objective", "INCOMPLETE", "INCOMPLETE"), ("ATTEMPTED", "INCOMPLETE"), {}, 1.0),
        (state("objective", "INCOMPLETE", "ATTEMPTED"), ("INCOMPLETE", "COMPLETE"), {}, 1.0),
        (state("objective", "INCOMPLETE", "COMPLETE"), ("INCOMPLETE",), {}, 0.0),
        # Nothing left to do.
        (state("requirement", "COMPLETE", "ATTEMPTED"), ("ATTEMPTED",), {}, 1.0),
        (state("preference", "ALIGNED"), (), {}, 1.0),
        (state("preference", "MISALIGNED"), ("MISALIGNED",), {}, 0.0),
        (state("preference", "MISALIGNED"), ("ALIGNED",), {}, 1.0),
        # The end: what has not succeeded by now never will, whatever this turn did for another part.
        (state("objective", "INCOMPLETE", "INCOMPLETE"), ("COMPLETE", "INCOMPLETE"), {"ended": True}, 0.0),
        (state("objective", "INCOMPLETE", "ATTEMPTED"), ("COMPLETE", "ATTEMPTED"), {"ended": True}, 1.0),
        (state("objective", "INCOMPLETE", "COMPLETE"), ("INCOMPLETE",), {"ended": True, "graded": True}, 0.5),
        (state("preference", "MISALIGNED"), ("MISALIGNED",), {"ended": True}, 0.0),
        (state("policy", "ALIGNED"), ("ALIGNED",), {"ended": True}, 1.0),
    ],
)
def test_conditions(before: GoalState, verdicts: tuple[str, ...], flags: dict[str, bool], value: float) -> None:
    assert one(before, *verdicts, **flags) == value


def test_a_category_the_goal_lacks_is_met() -> None:
    got = indicators(GoalState.initial([]), [])
    assert {value for _, value in got} == {1.0}
    assert got.total(RewardWeights()) == 2.5


def test_a_silent_end_leaves_everything_as_it_was() -> None:
    before = state("policy", "ALIGNED")
    assert indicators(before, [], silent=True, ended=True).policy == 1.0
    late = said(before.components[0].component, Status.MISALIGNED)  # a rule that fell due at the end
    assert indicators(before, [late], silent=True, ended=True).policy == 0.0


def test_the_sum_can_be_told_where_what_is_missing_does_not_count() -> None:
    met = Indicators(profile=1.0, policy=None, objective=0.0, requirement=1.0, preference=1.0)
    assert met.total(RewardWeights()) is None
    assert met.total(RewardWeights(policy=0.0)) == 1.5
    assert met.total(RewardWeights(policy=0.0, preference=2.0)) == 3.0
