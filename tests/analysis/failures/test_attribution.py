"""The attribution of failed tasks, and the agent's score with and without the episodes of straying simulators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.failures.attribution import (
    Attribution,
    GoalAdherence,
    Responsibility,
    attribute,
    attribution_summary,
)
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, Tally, tally
from tests.analysis.lettered_episodes import episode

LAMP_LEFT = {"lamp": "..", "colour": ".."}


def fault(
    statuses: dict[str, str], stop: StopReason = StopReason.USER_ENDED, solved: float = 0.0
) -> Responsibility | None:
    one = episode(statuses, stop=stop)
    found = attribute(tally(one), stop, {"task": solved})
    assert found is not None
    return found.fault


@pytest.mark.parametrize(
    ("statuses", "stop", "whose"),
    [
        ({}, StopReason.USER_ENDED, Responsibility.AGENT),
        ({"lamp": ".t"}, StopReason.USER_ENDED, Responsibility.AGENT),  # the user tried
        (LAMP_LEFT, StopReason.USER_ENDED, Responsibility.SIMULATOR),
        (LAMP_LEFT | {"profile": "m?"}, StopReason.USER_ENDED, Responsibility.SIMULATOR),
        (
            LAMP_LEFT | {"policy": "??"},
            StopReason.USER_ENDED,
            Responsibility.SIMULATOR,
        ),  # whatever is missing would say
        ({"profile": "Am"}, StopReason.USER_ENDED, Responsibility.BOTH),
        ({"bright": "mm"}, StopReason.TURN_LIMIT, Responsibility.BOTH),
        ({"profile": "Am", "lamp": "??"}, StopReason.USER_ENDED, Responsibility.UNDECIDED),
        ({"policy": "A?"}, StopReason.USER_ENDED, Responsibility.UNDECIDED),
        ({}, StopReason.USER_ERROR, Responsibility.SIMULATOR),
        ({}, StopReason.AGENT_ERROR, Responsibility.AGENT),
        ({"profile": "Am"}, StopReason.AGENT_ERROR, Responsibility.BOTH),
    ],
)
def test_whose_fault(statuses: dict[str, str], stop: StopReason, whose: Responsibility) -> None:
    assert fault(statuses, stop) is whose


def test_a_solved_task_is_nobodys_fault() -> None:
    assert fault(LAMP_LEFT, solved=1.0) is None


def test_without_a_score_there_is_nothing_to_say() -> None:
    assert attribute(Tally(goal="g"), StopReason.USER_ENDED, {"db": 1.0}) is None


def test_without_sub_components_it_is_undecided() -> None:
    found = attribute(Tally(goal="g", measured=False), StopReason.USER_ENDED, {"task": 0.0})
    assert found == Attribution("g", False, GoalAdherence.UNDECIDED, Responsibility.UNDECIDED)


def test_the_score_over_the_episodes_that_were_kept() -> None:
    kept, strayed = GoalAdherence.KEPT, GoalAdherence.STRAYED
    every = [
        *(Attribution("a", solved, kept, None if solved else Responsibility.AGENT) for solved in (True, True, False)),
        *(Attribution("b", solved, kept, None if solved else Responsibility.AGENT) for solved in (True, True)),
        Attribution("b", True, strayed, None),
        *(Attribution("c", False, strayed, Responsibility.SIMULATOR) for _ in range(3)),
    ]
    found = attribution_summary(every)
    # pass^2: a has 1 of 3 pairs, b 3 of 3, c none.
    assert found.raw.hat == pytest.approx({1: 100 * (2 / 3 + 1 + 0) / 3, 2: 100 * (1 / 3 + 1 + 0) / 3, 3: 100 / 3})
    assert found.raw.solved.value == pytest.approx(found.raw.hat[1])
    assert found.raw.episodes == 9
    assert found.kept.hat == pytest.approx({1: 100 * (2 / 3 + 1) / 2, 2: 100 * (1 / 3 + 1) / 2})
    assert (found.kept.episodes, found.kept.solved.n) == (5, 2)
    assert found.faults == {
        Responsibility.AGENT: 1,
        Responsibility.SIMULATOR: 3,
        Responsibility.BOTH: 0,
        Responsibility.UNDECIDED: 0,
    }
    assert found.lucky == 1
    low, high = found.raw.solved.low, found.raw.solved.high
    assert low is not None
    assert high is not None
    assert low < 55.6 < high


def test_a_solved_task_of_which_nobody_knows_whether_the_goal_was_kept_is_not_lucky() -> None:
    found = attribution_summary(
        [Attribution("g", True, adherence, None) for adherence in (GoalAdherence.UNDECIDED, GoalAdherence.STRAYED)]
    )
    assert (found.lucky, found.undecided, found.kept.episodes) == (1, 1, 0)


def test_where_no_goal_was_kept_there_is_no_clean_score() -> None:
    found = attribution_summary([Attribution("a", False, GoalAdherence.STRAYED, Responsibility.BOTH)])
    assert found.kept.solved.value is None
    assert found.kept.hat == {}


counts = st.builds(
    lambda good, bad, missing: Count(good + bad + missing, good, missing),
    st.integers(0, 3),
    st.integers(0, 2),
    st.integers(0, 2),
)


@given(st.dictionaries(st.sampled_from(Category), counts), st.sampled_from(StopReason))
def test_a_missing_verdict_never_decides(found: dict[Category, Count], stop: StopReason) -> None:
    """Filling the missing verdicts in, in whichever way, never changes a fault that was decided."""
    broke = Tally(goal="g", counts={c: Count(n.total, n.successes, 0) for c, n in found.items()})
    kept = Tally(goal="g", counts={c: Count(n.total, n.successes + n.errors, 0) for c, n in found.items()})
    before = attribute(Tally(goal="g", counts=found), stop, {"task": 0.0})
    assert before is not None
    if before.fault is not Responsibility.UNDECIDED and stop is not StopReason.AGENT_ERROR:
        for filled in (broke, kept):
            after = attribute(filled, stop, {"task": 0.0})
            assert after is not None
            assert after.fault is before.fault
