"""Refunds and swaps of items within one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ugst.domains.overlay import Record, SessionTable
from pytest_ugst.domains.toolbox import ToolError


@dataclass(frozen=True, slots=True)
class Swap:
    """The replacement of items of an order by other variants of their products."""

    new: tuple[tuple[int, Mapping[str, Any]], ...]
    """Positions in the order, each with its new variant."""
    difference: float
    """New prices minus old prices, in dollars, not rounded."""


def check_items(order: Mapping[str, Any], item_ids: Sequence[str], problem: str) -> None:
    """Check that an order holds items, each as often as it is named.

    Args:
        order: The order.
        item_ids: The items that it should hold.
        problem: The error message; ``{}`` stands for the item.

    Raises:
        ToolError: If it does not hold one of them.
    """
    held = [item["item_id"] for item in order["items"]]
    for item_id in item_ids:
        if item_ids.count(item_id) > held.count(item_id):
            raise ToolError(problem.format(item_id))


def plan_swap(
    order: Mapping[str, Any],
    products: SessionTable,
    item_ids: Sequence[str],
    new_item_ids: Sequence[str],
    in_turn: bool,
) -> Swap:
    """Match items of an order with their new variants.

    Args:
        order: The order.
        products: All products.
        item_ids: Items of the order.
        new_item_ids: The new variant of each item.
        in_turn: Swap one item after the other, as tau-bench does, so that a later swap may replace an item that an
            earlier one put in.

    Raises:
        ToolError: If the order lacks an item, or a variant is not available.
    """
    check_items(order, item_ids, "{} not found")
    if len(item_ids) != len(new_item_ids):
        raise ToolError("the number of items to be exchanged should match")
    held = [item["item_id"] for item in order["items"]]
    new = []
    difference = 0.0
    for item_id, new_item_id in zip(item_ids, new_item_ids, strict=True):
        position = held.index(item_id)
        held[position] = new_item_id if in_turn else ""
        item = order["items"][position]
        variant = products[item["product_id"]]["variants"].get(new_item_id)
        if variant is None or not variant["available"]:
            raise ToolError(f"new item {new_item_id} not found or available")
        new.append((position, variant))
        difference += variant["price"] - item["price"]
    return Swap(tuple(new), difference)


def refunds(history: Sequence[Mapping[str, Any]], every_entry: bool) -> list[Record]:
    """Return the entries that refund an order.

    Args:
        history: The order's payments and refunds so far.
        every_entry: Refund each entry, earlier refunds included, as tau-bench does; else the net amount per payment
            method.
    """
    if every_entry:
        owed = [(entry["payment_method_id"], entry["amount"]) for entry in history]
    else:
        net: dict[str, float] = {}
        for entry in history:
            sign = 1 if entry["transaction_type"] == "payment" else -1
            method = entry["payment_method_id"]
            net[method] = net.get(method, 0) + sign * entry["amount"]
        owed = [(method, round(amount, 2)) for method, amount in net.items() if round(amount, 2) > 0]
    return [{"transaction_type": "refund", "amount": amount, "payment_method_id": method} for method, amount in owed]
