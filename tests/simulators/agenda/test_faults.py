"""Tests of planted faults: read from the command line, drawn by chance, and seen in the rates."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import Category
from pytest_ugst.simulators.agenda import make
from pytest_ugst.simulators.agenda.faults import FAULTS, Fault, draw_faults, parse
from tests.simulators.agenda.agenda_rollout import context, play, rates, shipped

GOALS = shipped("test")


def test_faults_are_read() -> None:
    assert parse(None) == ()
    assert parse("confusion") == (Fault("confusion", 1.0),)
    assert parse("confusion@0.5+contradiction@.2") == (Fault("confusion", 0.5), Fault("contradiction", 0.2))


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("confused", "unknown fault 'confused'; did you mean 'confusion'"),
        ("", "unknown fault ''; known: confusion, contradiction"),
        ("confusion@2", r"the rate '2' is no probability; use 0 to 1, as in confusion@0.3"),
        ("confusion@", "the rate '' is no probability"),
        ("confusion@often", "the rate 'often'"),
        ("confusion@nan", "the rate 'nan'"),
        ("confusion+confusion@0.1", "named twice"),
        ("confusion+", "unknown fault ''"),
    ],
)
def test_bad_faults_are_usage_errors(argument: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make(argument, context())


@given(st.integers())
def test_a_fault_with_rate_one_always_occurs_and_with_rate_zero_never(seed: int) -> None:
    faults = parse("confusion+contradiction@0")
    assert draw_faults(faults, random.Random(seed)) == {"confusion"}


def test_a_fault_occurs_about_as_often_as_its_rate() -> None:
    rng = random.Random(1)
    drawn = sum(bool(draw_faults(parse("confusion@0.3"), rng)) for _ in range(2_000))
    assert 500 < drawn < 700


def test_a_rate_of_zero_changes_nothing_of_substance() -> None:
    states = [play(goal, "confusion@0+misprioritization@0")[1] for goal in GOALS]
    assert min(rates(states).values()) >= 99


def planted(fault: str) -> list[tuple[Conversation, GoalState]]:
    return [play(goal, fault) for goal in GOALS]


TOUCHED = {
    "confusion": (Category.OBJECTIVE, Category.REQUIREMENT, Category.PREFERENCE),
    "contradiction": (Category.PROFILE, Category.POLICY),
    "wrongful_termination": (Category.OBJECTIVE, Category.REQUIREMENT),
    "poor_length_management": (Category.OBJECTIVE, Category.REQUIREMENT, Category.PREFERENCE),
    "misprioritization": (Category.OBJECTIVE, Category.REQUIREMENT, Category.PREFERENCE),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_lowers_the_rates_it_should(fault: str) -> None:
    played = planted(fault)
    reached = rates(state for _, state in played)
    for category in TOUCHED[fault]:
        assert reached[category] <= 75, (category, reached)
    notes = [
        [turn.user_reasoning for turn in conversation.turns if turn.user_reasoning]
        + ([conversation.closing.reasoning] if conversation.closing and conversation.closing.reasoning else [])
        for conversation, _ in played
    ]
    noted = [any(fault in note for note in episode) for episode in notes]
    assert sum(noted) >= 0.9 * len(noted)
    assert all(note.startswith("planted fault: ") for episode in notes for note in episode)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_planted_never_reaches_the_agent(fault: str) -> None:
    for conversation, _ in planted(fault)[:8]:
        assert not any("planted" in turn.user or fault in turn.user for turn in conversation.turns)


def test_a_wrongful_end_is_recorded_as_one() -> None:
    played = [conversation for conversation, _ in planted("wrongful_termination")]
    cut = [c for c in played if c.closing is not None and not c.closing.separate]
    assert len(cut) >= len(played) // 2
    for conversation in cut:
        assert conversation.closing is not None
        assert conversation.closing.asked
        assert conversation.closing.text.endswith("TERMINATE")
        assert conversation.turns[-1].agent is None
        assert conversation.closing.before_reply == (len(conversation.turns) == 1)
    assert any(conversation.stop is StopReason.TURN_LIMIT for conversation in played)


def test_faults_combine() -> None:
    reached = rates(play(goal, "confusion+contradiction")[1] for goal in GOALS)
    assert all(rate < 90 for rate in reached.values()), reached
