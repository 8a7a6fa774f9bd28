"""The tools against upstream's own data: reference actions, recorded tool calls, hashes and rewards.

Runs wherever UGST_DATA names the data. ``benchmarks/fidelity.py`` prints the same as a report.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import ToolResult
from pytest_ugst.domains.overlay import Overlay
from pytest_ugst.domains.tau import airline, retail
from pytest_ugst.domains.tau.goals import import_tau_bench
from pytest_ugst.domains.tau.goals_tau2 import import_tau2_bench
from pytest_ugst.domains.tau.session import TauDomain, TauSession
from pytest_ugst.domains.tau.task import Action
from pytest_ugst.recordings.tau_bench import Recording, read_recordings, with_todays_fields

DATA = os.environ.get("UGST_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="set UGST_DATA to a folder with tau-bench and tau2-bench"),
]

KNOWN_TEST = {2, 3, 4, 12, 13, 21, 35, 36, 37, 38, 39, 46, 47, 54, 55, 64, 67, 68, 106}
KNOWN_TRAIN = {24, 27, 81, 148, 161, 214, 229, 252, 253, 288, 314, 349, 351, 369, 376, 427, 431, 441, 469}
KNOWN_TAU2 = {2, 3, 4, 35, 37, 38, 39, 46, 47, 54, 55, 64, 67, 68, 105}
"""Retail goals with reference actions that fail: unknown users, orders and products; wrong payments."""


def v1(domain: str, split: str) -> Iterable[Goal]:
    return import_tau_bench(Path(DATA), domain, split)


def tau2(domain: str, _split: str) -> Iterable[Goal]:
    return import_tau2_bench(Path(DATA), domain)


SETS = [
    pytest.param(v1, "airline", "test", airline.load, 50, set(), id="airline-test"),
    pytest.param(v1, "retail", "test", retail.load, 115, KNOWN_TEST, id="retail-test"),
    pytest.param(v1, "retail", "train", retail.load, 500, KNOWN_TRAIN, id="retail-train"),
    pytest.param(v1, "retail", "dev", retail.load, 20, set(), id="retail-dev"),
    pytest.param(tau2, "airline", "", airline.load_tau2, 50, set(), id="airline-tau2"),
    pytest.param(tau2, "retail", "", retail.load_tau2, 114, KNOWN_TAU2, id="retail-tau2"),
]


def reference(session: TauSession) -> tuple[Action, ...]:
    assert session.task is not None
    return session.task.actions


@pytest.mark.parametrize("compat", [None, "v1"])
@pytest.mark.parametrize(("goals", "domain", "split", "load", "count", "known"), SETS)
def test_exactly_the_known_references_fail(
    goals: Callable[[str, str], Iterable[Goal]],
    domain: str,
    split: str,
    load: Callable[[], TauDomain],
    count: int,
    known: set[int],
    compat: str | None,
) -> None:
    listed = list(goals(domain, split))
    assert len(listed) == count
    failing = set()
    for goal in listed:
        session = load().open(goal.model_copy(update={"data": {**goal.data, "compat": compat}}), 0)
        for action in reference(session):
            ((_, result),) = session.replay([action])
            if result.ok:
                assert comes_out(session, action, result, stale_cabin=compat == "v1"), (goal.id, action, result)
            else:
                failing.add(int(goal.id.rpartition("-")[2]))
        assert session.task is not None
        conversation = Conversation(turns=(Turn(user="Well?", agent=" ".join(session.task.outputs)),))
        assert session.scores(conversation)["task"] == 1.0
    assert failing == known


def comes_out(session: TauSession, action: Action, result: ToolResult, stale_cabin: bool) -> bool:
    """Return whether the touched records are as the action wants them."""
    view = session.view()
    if action.name.endswith(("_reservation", "_flights", "_baggages", "_passengers", "_certificate")):
        return airline_comes_out(view, action, result, stale_cabin)
    return retail_comes_out(view, action)


def airline_comes_out(view: Overlay, action: Action, result: ToolResult, stale_cabin: bool) -> bool:
    wanted = action.arguments
    stored: Mapping[str, Any]
    match action.name:
        case "book_reservation":
            made = json.loads(result.text)
            stored = view["reservations"][made["reservation_id"]]
            in_profile = made["reservation_id"] in view["users"][wanted["user_id"]]["reservations"]
            copied = {field: wanted[field] for field in wanted if field not in ("flights", "payment_methods")}
            paid = [(p["payment_id"], p["amount"]) for p in wanted["payment_methods"]]
            return (
                in_profile
                and copied.items() <= stored.items()
                and _flown(stored["flights"]) == _flown(wanted["flights"])
                and [(p["payment_id"], p["amount"]) for p in stored["payment_history"]] == paid
            )
        case "cancel_reservation":
            stored = view["reservations"][wanted["reservation_id"]]
            return bool(stored["status"] == "cancelled" and not sum(p["amount"] for p in stored["payment_history"]))
        case "update_reservation_flights":
            stored = view["reservations"][wanted["reservation_id"]]
            same = _flown(stored["flights"]) == _flown(wanted["flights"])
            return same and (stale_cabin or stored["cabin"] == wanted["cabin"])
        case "update_reservation_baggages" | "update_reservation_passengers":
            stored = view["reservations"][wanted["reservation_id"]]
            fields = {"total_baggages", "nonfree_baggages", "passengers"} & set(wanted)
            return all(stored[field] == wanted[field] for field in fields)
        case "send_certificate":
            methods = view["users"][wanted["user_id"]]["payment_methods"].values()
            return any(m["source"] == "certificate" and m["amount"] == wanted["amount"] for m in methods)
        case _:
            return True  # it only reads


def retail_comes_out(view: Overlay, action: Action) -> bool:
    wanted = action.arguments
    stored: Mapping[str, Any]
    match action.name:
        case "cancel_pending_order":
            stored = view["orders"][wanted["order_id"]]
            return bool((stored["status"], stored["cancel_reason"]) == ("cancelled", wanted["reason"]))
        case "modify_pending_order_items":
            stored = view["orders"][wanted["order_id"]]
            there = Counter(item["item_id"] for item in stored["items"])
            return stored["status"].startswith("pending (") and Counter(wanted["new_item_ids"]) <= there
        case "exchange_delivered_order_items":
            stored = view["orders"][wanted["order_id"]]
            kept = sorted(wanted["item_ids"]), sorted(wanted["new_item_ids"])
            return (stored["exchange_items"], stored["exchange_new_items"]) == kept
        case "return_delivered_order_items":
            stored = view["orders"][wanted["order_id"]]
            kept = sorted(wanted["item_ids"]), wanted["payment_method_id"]
            return (stored["return_items"], stored["return_payment_method_id"]) == kept
        case "modify_pending_order_payment":
            history = view["orders"][wanted["order_id"]]["payment_history"]
            return any(p["payment_method_id"] == wanted["payment_method_id"] for p in history)
        case "modify_pending_order_address":
            address = view["orders"][wanted["order_id"]]["address"]
            return bool(address.items() <= wanted.items())
        case "modify_user_address":
            return bool(view["users"][wanted["user_id"]]["address"].items() <= wanted.items())
        case _:
            return True  # it only reads


def _flown(flights: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(flight["flight_number"], flight["date"]) for flight in flights]


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    folder = next(path for path in (Path(DATA) / "tau-bench", Path(DATA)) if (path / "tau_bench").is_dir())
    return list(read_recordings(folder / "historical_trajectories" / "gpt-4o-airline.json", "airline"))


def test_every_recorded_tool_call_comes_out_as_recorded(recordings: list[Recording]) -> None:
    calls = same_text = 0
    for recording in recordings:
        session = airline.load().open(recording.goal, 0)
        for call in (call for turn in recording.conversation.turns for call in turn.tool_calls):
            result, wanted = session.call(call.name, call.arguments), with_todays_fields(call.result)
            calls += 1
            same_text += result.text == wanted
            assert result.ok == call.ok
            assert result.text == wanted or json.loads(result.text) == json.loads(wanted)
    assert len(recordings) == 200
    assert (calls, same_text) == (1164, 1162)


def test_without_compat_only_the_cabin_and_connections_differ(recordings: list[Recording]) -> None:
    differ: Counter[str] = Counter()
    for recording in recordings:
        goal = recording.goal.model_copy(update={"data": {**recording.goal.data, "compat": None}})
        session = airline.load().open(goal, 0)
        for call in (call for turn in recording.conversation.turns for call in turn.tool_calls):
            result, wanted = session.call(call.name, call.arguments).text, with_todays_fields(call.result)
            if result == wanted:
                continue
            ours, theirs = json.loads(result), json.loads(wanted)
            if ours == theirs:
                continue
            if call.name != "search_onestop_flight":
                assert {**ours, "cabin": ""} == {**theirs, "cabin": ""}
            differ["connection" if call.name == "search_onestop_flight" else "cabin"] += 1
    assert differ == {"cabin": 57, "connection": 7}


def test_rewards_come_out_as_recorded(recordings: list[Recording]) -> None:
    finished = 0
    for recording in recordings:
        session = airline.load().open(recording.goal, 0)
        for call in (call for turn in recording.conversation.turns for call in turn.tool_calls):
            session.call(call.name, call.arguments)
        scores = session.scores(recording.conversation)
        assert session.task is not None
        if recording.finished:
            finished += 1  # it was counted by the outputs alone, then, where a task has any
            assert recording.reward == (scores["outputs"] if session.task.outputs else scores["db"])
        else:
            assert recording.reward == 0.0
    assert finished == 195


def test_the_database_after_the_reference_has_the_recorded_hash(recordings: list[Recording]) -> None:
    tables = {
        name: {key: _hashable(_as_recorded(name, record)) for key, record in table.items()}
        for name, table in airline.load().base.tables.items()
    }
    hashes = {recording.goal.id: recording for recording in recordings if recording.reference_hash is not None}
    assert len(hashes) == 46
    for recording in hashes.values():
        now = {name: dict(records) for name, records in tables.items()}
        for name, edits in airline.load().open(recording.goal, 0).reference().edits().items():
            for key, record in {**edits.added, **edits.changed}.items():
                now[name][key] = _hashable(_as_recorded(name, record))
        written = str(tuple((name, tuple(sorted(records.items()))) for name, records in sorted(now.items())))
        assert hashlib.sha256(written.encode()).hexdigest() == recording.reference_hash


def _as_recorded(table: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    if table != "users":
        return record
    renamed = {("province" if field == "state" else field): value for field, value in record["address"].items()}
    return {**record, "address": renamed}


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((key, _hashable(item)) for key, item in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    return value


@pytest.mark.parametrize(
    ("load", "tools", "unused"),
    [
        (
            airline.load_tau2,
            14,
            {"list_all_airports", "get_flight_status", "send_certificate", "search_onestop_flight"},
        ),
        (retail.load_tau2, 16, {"list_all_product_types"}),
    ],
)
def test_the_tools_of_tau2_are_those_of_its_reference_actions(
    load: Callable[[], TauDomain], tools: int, unused: set[str]
) -> None:
    domain = load()
    known = {spec.name for spec in domain.toolbox.specs}
    used = {a["name"] for g in tau2(domain.name.removesuffix("-tau2"), "") for a in g.data["upstream"]["actions"]}
    assert (len(known), known - used, used - known) == (tools, unused, set())
