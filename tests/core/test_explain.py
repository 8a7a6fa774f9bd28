"""A failing test says which words in which turn broke which sub-component."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from tests.factories import make_component, make_conversation, make_episode, make_goal, verdict


def episode(category: Category, *verdicts: Verdict, **conversation: Any) -> Episode:
    return make_episode(
        make_goal("g", make_component(category, "c", text="never fly on Mondays")),
        *verdicts,
        conversation=make_conversation("Hi", "Hi", "Hi", **conversation),
    )


def said(turn: int, status: Status, *quotes: str, reasoning: str = "") -> Verdict:
    return verdict("c", turn, status, reasoning=reasoning, quotes=quotes)


def test_names_turn_and_words_that_broke_it() -> None:
    played = episode(
        Category.POLICY,
        said(1, Status.ALIGNED),
        said(3, Status.MISALIGNED, "later words"),
        said(2, Status.MISALIGNED, "Monday suits me", reasoning="a Monday was accepted"),
    )
    assert not played.succeeded
    assert played.explain().splitlines() == [
        "MISALIGNED policy: never fly on Mondays",
        "  turn 2: a Monday was accepted",
        "  turn 2, user: “Monday suits me”",
    ]


def test_says_what_was_never_reached() -> None:
    played = episode(Category.OBJECTIVE, *(said(turn, Status.INCOMPLETE) for turn in (1, 2, 3)))
    assert played.explain() == "INCOMPLETE objective: never fly on Mondays\n  not reached by turn 3"


@pytest.mark.parametrize("category", Category)
def test_says_that_a_verdict_is_missing(category: Category) -> None:
    first = {"profile": Status.ALIGNED, "policy": Status.ALIGNED, "preference": Status.MISALIGNED}
    status = first.get(category, Status.INCOMPLETE)
    played = episode(category, said(1, status), said(3, status))
    assert not played.succeeded
    assert played.explain().splitlines()[1:] == ["  no verdict: turn 2: no verdict was given"]
    assert played.explain().startswith(f"ERROR {category}: ")


def test_says_why_there_is_no_verdict() -> None:
    played = episode(
        Category.PROFILE,
        said(1, Status.ALIGNED),
        verdict("c", 2, None, error="the judge's server did not answer"),
        said(3, Status.ALIGNED),
    )
    assert played.explain().endswith("no verdict: turn 2: the judge's server did not answer")


def test_says_that_a_status_does_not_belong() -> None:
    played = episode(Category.PREFERENCE, *(said(turn, Status.COMPLETE) for turn in (1, 2, 3)))
    assert "turn 1: COMPLETE is no status of a preference" in played.explain()


def test_says_that_the_conversation_broke_off() -> None:
    played = episode(
        Category.OBJECTIVE,
        *(said(turn, Status.INCOMPLETE) for turn in (1, 2, 3)),
        stop=StopReason.AGENT_ERROR,
        error="connection refused",
    )
    first, *rest = played.explain().splitlines()
    assert first == "conversation broke off (agent_error): connection refused"
    assert rest[0].startswith("ERROR objective")


def test_says_nothing_of_success() -> None:
    played = episode(Category.PROFILE, *(said(turn, Status.ALIGNED) for turn in (1, 2, 3)))
    assert played.succeeded
    assert played.explain() == ""
    assert played.final_state["c"].explain().splitlines()[1] == "  turn 3"
