"""Reference actions that belong to one of several objectives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.conversation import ToolCall
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import Domain
from pytest_ugst.core.registry import Registry
from pytest_ugst.core.status import Status
from pytest_ugst.domains.tau.goals import import_tau_bench
from pytest_ugst.domains.tau.reference_check import assigned, db_matches_reference, with_reference_check
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.roles import builtins
from tests.domains.tau import small_tau
from tests.factories import make_conversation, make_goal, make_turn, objective
from tests.factories import requirement as require

Action = dict[str, Any]


def action(name: str, **arguments: Any) -> Action:
    return {"name": name, "arguments": arguments}


def goal(*objectives: str, actions: list[Action], domain: str = "retail", requirement: str = "", **data: Any) -> Goal:
    parts = [objective(f"task-{n}", text=text) for n, text in enumerate(objectives, 1)]
    if requirement:
        parts.append(require("r", "task-1", text=requirement))
    return make_goal("g", *parts, domain=domain, data={"upstream": {"actions": actions}, **data})


RETURN = action("return_delivered_order_items", order_id="#W2", item_ids=["12"], payment_method_id="credit_card_2")
CANCEL = action("cancel_pending_order", order_id="#W4", reason="no longer needed")
SWAP = action(
    "modify_pending_order_items", order_id="#W1", item_ids=["12"], new_item_ids=["14"], payment_method_id="paypal_2"
)
MOVE = action("modify_user_address", user_id="bob_2")
UPDATE = action("update_reservation_flights", reservation_id="AAA111")
BAGS = action("update_reservation_baggages", reservation_id="AAA111")
DROP = action("cancel_reservation", reservation_id="BBB222")


@pytest.mark.parametrize(
    ("objectives", "actions", "expected"),
    [
        (["Return the shirt.", "Cancel the other order."], [RETURN, CANCEL], {"task-1": [0], "task-2": [1]}),
        (["Ask how many shirts there are.", "Cancel your orders."], [CANCEL, CANCEL], {"task-2": [0, 1]}),
        (["Upgrade your trip to business.", "Add two bags."], [UPDATE, BAGS], {"task-1": [0], "task-2": [1]}),
        (["Cancel AAA111.", "Cancel BBB222."], [DROP], {"task-2": [0]}),
        # In doubt, none: two return something; one refuses; one only asks; one names it without asking for it.
        (["Return the shirt.", "Return the lamp."], [RETURN], {}),
        (["Return the shirt, or swap it.", "Exchange the lamp."], [RETURN, SWAP], {}),
        (["You do not want to cancel anything.", "Say hello."], [CANCEL], {}),
        (["You wonder why nobody cancels for you.", "Say hello."], [CANCEL], {}),
        (["Remove Ethan from BBB222.", "You ask about cancellations."], [DROP], {}),
        # What nobody asks for may be anybody's.
        (["Cancel the order.", "Say hello."], [CANCEL, RETURN], {}),
        (["Cancel the order.", "Say hello."], [CANCEL, action("unheard_of")], {}),
        (["Cancel AAA111.", "Say hello."], [DROP, action("cancel_reservation", reservation_id="AAA111")], {}),
    ],
)
def test_whose_an_action_is(objectives: list[str], actions: list[Action], expected: dict[str, list[int]]) -> None:
    assert assigned(actions, goal(*objectives, actions=actions)) == expected


def test_a_requirement_may_name_the_order() -> None:
    actions = [CANCEL, action("cancel_pending_order", order_id="#W1", reason="no longer needed")]
    made = goal("Cancel an old order.", "Cancel order #W1.", actions=actions, requirement="It is order W4.")
    assert assigned(actions, made) == {"task-1": [0], "task-2": [1]}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("UGST_DATA", str(small_tau.write(tmp_path)))
    made = Registry()
    builtins.pytest_ugst_register(made)
    return made


def statuses(made: Goal, registry: Registry, *actions: Action) -> list[Status | None]:
    calls = tuple(
        ToolCall(id=str(n), name=a["name"], arguments=a["arguments"], result="") for n, a in enumerate(actions)
    )
    heard = make_conversation(make_turn("Please.", "Yes.", *calls))
    checked = [c for c in made.components or () if c.check is not None]
    return [verdict.status for verdict in ChecksJudge(registry.checks).verdicts(checked, heard, 1)]


def test_each_by_what_only_its_actions_change(registry: Registry) -> None:
    def load(name: str) -> Domain:
        return registry.domains.get(name)()

    three = goal("Return the shirt.", "Cancel the small order.", "Change an item.", actions=[RETURN, CANCEL, SWAP])
    made = with_reference_check(three, load)
    assert [c.check.args["of"] for c in made.components or () if c.check] == [[0], [1], [2]]
    done, missing = Status.COMPLETE, Status.INCOMPLETE
    assert statuses(made, registry) == [missing] * 3
    assert statuses(made, registry, SWAP, RETURN) == [done, missing, done]  # in any order
    other_item = {**SWAP, "arguments": {**SWAP["arguments"], "item_ids": ["11"]}}
    assert statuses(made, registry, other_item, CANCEL, RETURN) == [done, done, missing]
    assert statuses(made, registry, *three.data["upstream"]["actions"]) == [done] * 3
    assert with_reference_check(made, load) == made


def test_no_check_where_one_needs_the_other(registry: Registry) -> None:
    """A gift card that only holds enough once the other order was refunded to it: whose is what?"""
    refund = action("return_delivered_order_items", order_id="#W2", item_ids=["12"], payment_method_id="gift_card_2")
    cancel = action("cancel_pending_order", order_id="#W1", reason="no longer needed")
    pay = action("modify_pending_order_payment", order_id="#W4", payment_method_id="gift_card_2")
    made = with_reference_check(
        goal("Cancel order W1.", "Pay with the card.", "Return it.", actions=[cancel, pay, refund]),
        lambda name: registry.domains.get(name)(),
    )
    assert [c.id for c in made.components or () if c.check is not None] == ["task-2", "task-3"]


def test_upstreams_ways_are_kept(registry: Registry) -> None:
    """The check does not wait for what upstream's tools leave undone: the cabin of a changed flight."""
    flights = [{"flight_number": "F5", "date": "2024-05-20"}]
    change = action(
        "update_reservation_flights",
        reservation_id="AAA111",
        cabin="business",
        flights=flights,
        payment_id="credit_card_1",
    )
    stay = {**change, "arguments": {**change["arguments"], "cabin": "economy"}}
    for data, cabins in (({}, ["business"]), ({"compat": "v1"}, ["economy"])):
        plain = goal("Change the flight.", actions=[change], domain="airline", **data)
        made = with_reference_check(plain, lambda name: registry.domains.get(name)())
        check = (made.components or ())[0].check
        assert check is not None
        assert check.args.get("compat") == data.get("compat")
        assert statuses(made, registry, change) == [Status.COMPLETE]
        session = registry.domains.get("airline")().open(made, 0)
        session.call(change["name"], change["arguments"])
        assert [session.view()["reservations"]["AAA111"]["cabin"]] == cabins  # type: ignore[attr-defined]
    assert statuses(made, registry, stay) == [Status.INCOMPLETE]


@pytest.mark.parametrize("of", [[], [1], [-1], ["a"], [0, 7]])
def test_numbers_that_are_none(of: list[Any], registry: Registry) -> None:
    with pytest.raises(UsageError, match=r"of: .*number the actions from 0 to 0"):
        db_matches_reference(
            lambda name: registry.domains.get(name)(),
            objective("task-1"),
            make_conversation("Hi."),
            1,
            domain="retail",
            actions=[CANCEL],
            of=of,
        )


WORDS = {
    "cancel_pending_order": "Cancel order",
    "return_delivered_order_items": "Return something of",
    "exchange_delivered_order_items": "Exchange something of",
    "modify_pending_order_items": "Swap items of",
    "modify_pending_order_address": "Correct the address of",
    "modify_pending_order_payment": "Pay differently for",
    "modify_user_address": "Correct the address in your profile",
}


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with tau-bench")
def test_upstream() -> None:
    """Each objective of a retail goal with several actions is complete once its own actions ran, and not before."""
    registry = Registry()
    builtins.pytest_ugst_register(registry)
    looked_at = 0
    for one in import_tau_bench(Path(os.environ["UGST_DATA"]), "retail", "test"):
        actions = [a for a in one.data["upstream"]["actions"] if a["name"] in WORDS]
        texts = dict.fromkeys(f"{WORDS[a['name']]} {a['arguments'].get('order_id', '')}." for a in actions)
        if len(texts) != len(actions) or len(actions) < 2:
            continue
        made = with_reference_check(goal(*texts, actions=actions), lambda name: registry.domains.get(name)())
        checked = [c for c in made.components or () if c.check is not None]
        own = [c.check.args["of"] for c in checked if c.check is not None]
        writes = checked[0].check.args["actions"] if checked and checked[0].check else []
        for number in range(len(writes) + 1):
            expected = [Status.COMPLETE if max(of) < number else Status.INCOMPLETE for of in own]
            assert statuses(made, registry, *writes[:number]) == expected, one.id
        looked_at += len(checked)
    assert looked_at > 50
