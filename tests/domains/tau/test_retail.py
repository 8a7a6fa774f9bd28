"""The shop's tools, over a small shop of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.domains.tau.small_tau import ok, refused, session

BOTH = pytest.mark.parametrize("name", ["retail", "retail-tau2"])
ADDRESS = {"address1": "2 Oak", "address2": "Flat 3", "city": "Y", "state": "CO", "country": "USA", "zip": "20002"}


def test_the_editions_have_their_own_tools(tau_root: Path) -> None:
    v1 = {tool.name for tool in session(tau_root, "retail").tools}
    tau2 = {tool.name for tool in session(tau_root, "retail-tau2").tools}
    assert len(v1) == 16
    assert v1 - tau2 == {"think"}
    assert tau2 - v1 == {"get_item_details"}


@BOTH
def test_finding_users(tau_root: Path, name: str) -> None:
    here = session(tau_root, name)
    assert here.call("find_user_id_by_email", {"email": "bob2@EXAMPLE.com"}).text == "bob_2"
    assert "user not found" in refused(here, "find_user_id_by_email", email="bob3@example.com")
    who = {"first_name": "bob", "last_name": "LEE"}
    assert here.call("find_user_id_by_name_zip", {**who, "zip": "10002"}).text == "bob_2"
    assert "user not found" in refused(here, "find_user_id_by_name_zip", **who, zip="10009")
    assert "zip" in refused(here, "find_user_id_by_name_zip", **who, zip=10002)


def test_a_user_who_moved_is_found_at_the_new_zip_code(tau_root: Path) -> None:
    here, other = session(tau_root, "retail"), session(tau_root, "retail")
    who = {"first_name": "Bob", "last_name": "Lee"}
    assert ok(here, "modify_user_address", user_id="bob_2", **ADDRESS)["address"] == ADDRESS
    assert here.call("find_user_id_by_name_zip", {**who, "zip": "20002"}).text == "bob_2"
    assert "user not found" in refused(here, "find_user_id_by_name_zip", **who, zip="10002")
    assert other.call("find_user_id_by_name_zip", {**who, "zip": "10002"}).text == "bob_2"
    assert "user not found" in refused(here, "modify_user_address", user_id="nobody", **ADDRESS)


def test_looking_things_up(tau_root: Path) -> None:
    here, tau2 = session(tau_root, "retail"), session(tau_root, "retail-tau2")
    assert ok(here, "list_all_product_types") == {"Lamp": "200", "Shirt": "100"}
    assert ok(here, "get_product_details", product_id="200")["variants"]["21"]["price"] == 40.0
    assert "product not found" in refused(here, "get_product_details", product_id="21")
    assert ok(here, "get_order_details", order_id="#W3")["status"] == "processed"
    assert "order not found" in refused(here, "get_order_details", order_id="W3")
    assert ok(here, "get_user_details", user_id="bob_2")["email"] == "Bob2@example.com"
    assert "user not found" in refused(here, "get_user_details", user_id="nobody")
    assert ok(tau2, "get_item_details", item_id="21")["options"] == {"colour": "red"}
    assert "item not found" in refused(tau2, "get_item_details", item_id="200")


def balance(here: Any) -> float:
    found: float = ok(here, "get_user_details", user_id="bob_2")["payment_methods"]["gift_card_2"]["balance"]
    return found


def test_cancelling_refunds_a_gift_card_at_once(tau_root: Path) -> None:
    here = session(tau_root, "retail")
    gone = ok(here, "cancel_pending_order", order_id="#W1", reason="no longer needed")
    assert (gone["status"], gone["cancel_reason"]) == ("cancelled", "no longer needed")
    assert gone["payment_history"][1] == {
        "transaction_type": "refund",
        "amount": 70.45,
        "payment_method_id": "gift_card_2",
    }
    assert balance(here) == 78.45
    for order_id in ("#W1", "#W2", "#W3"):
        assert "non-pending" in refused(here, "cancel_pending_order", order_id=order_id, reason="no longer needed")
    assert "reason" in refused(here, "cancel_pending_order", order_id="#W4", reason="too dear")


def test_what_was_paid_back_already_is_not_refunded_again(tau_root: Path) -> None:
    def after(**data: str) -> tuple[float, list[str]]:
        here = session(tau_root, "retail", **data)
        ok(here, "modify_pending_order_payment", order_id="#W1", payment_method_id="paypal_2")
        assert balance(here) == 78.45
        gone = ok(here, "cancel_pending_order", order_id="#W1", reason="ordered by mistake")
        return balance(here), [p["payment_method_id"] for p in gone["payment_history"][3:]]

    assert after() == (78.45, ["paypal_2"])
    assert after(compat="v1") == (219.35, ["gift_card_2", "paypal_2", "gift_card_2"])


def test_changing_what_pays(tau_root: Path) -> None:
    here = session(tau_root, "retail")
    tool = "modify_pending_order_payment"
    assert "insufficient gift card" in refused(here, tool, order_id="#W4", payment_method_id="gift_card_2")
    assert "payment method not found" in refused(here, tool, order_id="#W4", payment_method_id="gift_card_9")
    assert "should be different" in refused(here, tool, order_id="#W4", payment_method_id="credit_card_2")
    assert "non-pending" in refused(here, tool, order_id="#W2", payment_method_id="paypal_2")
    changed = ok(here, tool, order_id="#W4", payment_method_id="paypal_2")
    assert [p["transaction_type"] for p in changed["payment_history"]] == ["payment", "payment", "refund"]
    assert "exactly one payment" in refused(here, tool, order_id="#W4", payment_method_id="credit_card_2")


@BOTH
def test_changing_items_works_once(tau_root: Path, name: str) -> None:
    here = session(tau_root, name)
    swap = {"order_id": "#W1", "item_ids": ["11", "12"], "new_item_ids": ["14", "11"]}
    changed = ok(here, "modify_pending_order_items", **swap, payment_method_id="credit_card_2")
    assert [(i["item_id"], i["price"]) for i in changed["items"]] == [("14", 15.25), ("11", 10.1), ("21", 40.0)]
    assert changed["items"][0]["options"] == {"size": "XL"}
    assert changed["status"] == "pending (item modified)"
    assert changed["payment_history"][-1] == {
        "transaction_type": "refund",
        "amount": 5.1,
        "payment_method_id": "credit_card_2",
    }
    assert "non-pending" in refused(here, "modify_pending_order_items", **swap, payment_method_id="credit_card_2")
    assert "non-pending" in refused(here, "modify_pending_order_address", order_id="#W1", **ADDRESS)
    assert "non-pending" in refused(here, "cancel_pending_order", order_id="#W1", reason="no longer needed")


def test_swapped_items_keep_their_places(tau_root: Path) -> None:
    swap = {"order_id": "#W1", "item_ids": ["11", "12"], "new_item_ids": ["12", "14"]}

    def items(**data: str) -> list[str]:
        here = session(tau_root, "retail", **data)
        changed = ok(here, "modify_pending_order_items", **swap, payment_method_id="credit_card_2")
        return [i["item_id"] for i in changed["items"]]

    assert items() == ["12", "14", "21"]
    assert items(compat="v1") == ["14", "12", "21"]  # the first 12 it meets is the one it has just made


def test_sums_are_whole_cents_but_not_in_tau_bench(tau_root: Path) -> None:
    swap = {"order_id": "#W1", "item_ids": ["12"], "new_item_ids": ["11"], "payment_method_id": "credit_card_2"}
    ours = ok(session(tau_root, "retail"), "modify_pending_order_items", **swap)
    assert ours["payment_history"][-1]["amount"] == 10.25
    theirs = ok(session(tau_root, "retail", compat="v1"), "modify_pending_order_items", **swap)
    assert theirs["payment_history"][-1]["amount"] == abs(10.1 - 20.35) == pytest.approx(10.25)


@pytest.mark.parametrize(
    ("old", "new", "payment", "problem"),
    [
        (["11"], ["13"], "credit_card_2", "new item 13 not found or available"),
        (["11"], ["21"], "credit_card_2", "new item 21 not found or available"),
        (["14"], ["11"], "credit_card_2", "14 not found"),
        (["11", "11"], ["12", "14"], "credit_card_2", "11 not found"),
        (["11"], ["12", "14"], "credit_card_2", "number of items"),
        (["11"], ["12"], "gift_card_2", "insufficient gift card balance"),
        (["11"], ["12"], "gift_card_9", "payment method not found"),
        ("11", ["12"], "gift_card_2", "item_ids"),
        ([], [], "gift_card_2", "item_ids"),
    ],
)
def test_swaps_that_are_refused(tau_root: Path, old: Any, new: Any, payment: str, problem: str) -> None:
    arguments = {"order_id": "#W1", "item_ids": old, "new_item_ids": new, "payment_method_id": payment}
    assert problem in refused(session(tau_root, "retail"), "modify_pending_order_items", **arguments)


def test_an_item_may_become_itself_in_tau_bench_alone(tau_root: Path) -> None:
    same = {"order_id": "#W1", "item_ids": ["11"], "new_item_ids": ["11"], "payment_method_id": "credit_card_2"}
    assert ok(session(tau_root, "retail"), "modify_pending_order_items", **same)["payment_history"][-1]["amount"] == 0
    assert "should be different" in refused(session(tau_root, "retail-tau2"), "modify_pending_order_items", **same)


def test_exchanging(tau_root: Path) -> None:
    here = session(tau_root, "retail")
    swap = {"order_id": "#W2", "item_ids": ["11", "11"], "new_item_ids": ["14", "12"]}
    tool = "exchange_delivered_order_items"
    assert "insufficient gift card" in refused(here, tool, **swap, payment_method_id="gift_card_2")
    changed = ok(here, tool, **swap, payment_method_id="credit_card_2")
    assert changed["status"] == "exchange requested"
    assert changed["exchange_new_items"] == ["12", "14"]
    assert changed["exchange_price_difference"] == 15.4
    assert "non-delivered" in refused(here, tool, **swap, payment_method_id="credit_card_2")
    assert "non-delivered" in refused(
        here, "return_delivered_order_items", order_id="#W2", item_ids=["12"], payment_method_id="credit_card_2"
    )


def test_returning(tau_root: Path) -> None:
    here = session(tau_root, "retail")
    back = {"order_id": "#W2", "item_ids": ["12", "11"]}
    tool = "return_delivered_order_items"
    assert "either the original" in refused(here, tool, **back, payment_method_id="paypal_2")
    assert "payment method not found" in refused(here, tool, **back, payment_method_id="paypal_9")
    assert "some item not found" in refused(
        here, tool, order_id="#W2", item_ids=["12", "12"], payment_method_id="gift_card_2"
    )
    changed = ok(here, tool, **back, payment_method_id="gift_card_2")
    assert changed["status"] == "return requested"
    assert changed["return_items"] == ["11", "12"]
    assert changed["return_payment_method_id"] == "gift_card_2"


def test_changing_where_an_order_goes(tau_root: Path) -> None:
    here = session(tau_root, "retail")
    assert ok(here, "modify_pending_order_address", order_id="#W4", **ADDRESS)["address"] == ADDRESS
    assert "non-pending" in refused(here, "modify_pending_order_address", order_id="#W3", **ADDRESS)
    assert "order not found" in refused(here, "modify_pending_order_address", order_id="#W9", **ADDRESS)
