"""tau-bench's score of the agent: the database as the reference leaves it, and everything said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.errors import UsageError
from tests.domains.tau.small_tau import ok, session

CANCEL = {"name": "cancel_reservation", "arguments": {"reservation_id": "AAA111"}}
SILENCE = Conversation()


def saying(*texts: str | None) -> Conversation:
    return Conversation(turns=tuple(Turn(user="1,786?", agent=text) for text in texts))


def upstream(*actions: dict[str, Any], outputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"upstream": {"actions": list(actions), "outputs": list(outputs), **more}}


def test_a_goal_without_a_task_has_no_score(tau_root: Path) -> None:
    assert session(tau_root, "airline").scores(SILENCE) == {}


def test_the_database_counts_and_not_the_way_to_it(tau_root: Path) -> None:
    here = session(tau_root, "airline", **upstream(CANCEL))
    assert here.scores(SILENCE) == {"task": 0.0, "db": 0.0, "outputs": 1.0}
    ok(here, "get_user_details", user_id="ada_1")
    ok(here, "cancel_reservation", reservation_id="AAA111")
    assert here.scores(SILENCE) == {"task": 1.0, "db": 1.0, "outputs": 1.0}
    ok(here, "send_certificate", user_id="ada_1", amount=50)
    assert here.scores(SILENCE)["task"] == 0.0


def test_scoring_changes_nothing(tau_root: Path) -> None:
    here = session(tau_root, "airline", **upstream(CANCEL))
    here.scores(SILENCE)
    assert here.edits() == {}
    assert ok(here, "get_reservation_details", reservation_id="AAA111").get("status") is None


def test_reference_actions_that_fail_leave_the_database_alone(tau_root: Path) -> None:
    wrong = {"name": "cancel_reservation", "arguments": {"reservation_id": "ZZZ"}}
    odd = {"name": "no_such_tool", "arguments": {}}
    assert session(tau_root, "airline", **upstream(wrong, odd)).scores(SILENCE)["task"] == 1.0


@pytest.mark.parametrize(
    ("said", "outputs", "right"),
    [
        (("It is $1,786 in all.",), ("1786",), True),
        (("It is $1,786 in all.",), ("1786", "327"), False),
        (("First 327.", None, "Then 1786."), ("1786", "327"), True),
        (("POLYESTER",), ("polyester",), True),
        (("polyester",), ("Polyester",), True),
        (("17", "86"), ("1786",), False),
        ((), ("1786",), False),
        (("1786",), ("1,786",), False),  # as upstream has it: commas go from the agent's text alone
    ],
)
def test_what_had_to_be_said(
    tau_root: Path, said: tuple[str | None, ...], outputs: tuple[str, ...], right: bool
) -> None:
    here = session(tau_root, "airline", **upstream(outputs=outputs))
    assert here.scores(saying(*said)) == {"task": float(right), "db": 1.0, "outputs": float(right)}


def test_tau2_says_what_counts(tau_root: Path) -> None:
    basis = {"reward_basis": ["DB", "NL_ASSERTION"]}
    here = session(tau_root, "airline-tau2", **upstream(outputs=("7",), **basis))
    assert here.scores(SILENCE) == {"task": 1.0, "db": 1.0, "outputs": 0.0}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"compat": "v2"}, "data.compat"),
        ({"bookings": []}, "data.bookings: the airline domain knows no such field"),
        ({"upstream": {"actions": [{"name": "x"}]}}, "data.upstream.actions.0.arguments"),
        ({"upstream": {"domain": "retail"}}, "the task belongs to 'retail'"),
    ],
)
def test_data_that_is_refused(tau_root: Path, data: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match="goal 'g'") as caught:
        session(tau_root, "airline", **data)
    assert problem in str(caught.value)


@given(st.lists(st.sampled_from(["cancel", "certificate", "address", "look"]), max_size=6), st.integers(0, 6))
def test_the_reference_itself_scores(tau_root: Path, steps: list[str], kept: int) -> None:
    calls: dict[str, dict[str, Any]] = {
        "cancel": CANCEL,
        "certificate": {"name": "send_certificate", "arguments": {"user_id": "ada_1", "amount": 50}},
        "address": {"name": "no_such_tool", "arguments": {}},
        "look": {"name": "get_user_details", "arguments": {"user_id": "ada_1"}},
    }
    actions = [calls[step] for step in steps]
    here = session(tau_root, "airline", **upstream(*actions))
    for action in actions[:kept]:
        here.call(action["name"], action["arguments"])
    left = {"cancel", "certificate"} & set(steps[kept:]) - ({"cancel"} & set(steps[:kept]))
    assert here.scores(SILENCE)["db"] == float(not left)
