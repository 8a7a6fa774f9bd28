"""Sums and swaps within one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ugst.domains.overlay import Record, SessionTable
from pytest_ugst.domains.toolbox import ToolError


@dataclass(frozen=True, slots=True)
class Swap:
    """Items of an order to be replaced by other variants of their products."""

    new: tuple[tuple[int, Mapping[str, Any]], ...]
    """Positions in the order, each with the variant that comes there."""
    difference: float
    """New prices less old ones, in dollars, not rounded."""


def check_items(order: Mapping[str, Any], item_ids: Sequence[str], problem: str) -> None:
    """Make sure that an order holds items, each as often as it is named.

    Args:
        order: The order.
        item_ids: What it should hold.
        problem: What to say otherwise; ``{}`` stands for the item.

    Raises:
        ToolError: If it does not.
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
    """Work out which item becomes which variant.

    Args:
        order: The order.
        products: All products.
        item_ids: Items of the order.
        new_item_ids: What each of them becomes.
        in_turn: As tau-bench does it: one swap after the other, so that a later one may take what an earlier one made.

    Raises:
        ToolError: If items are not there, or not to be had.
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
    """The payments that give back what was paid for an order.

    Args:
        history: The order's payments and refunds so far.
        every_entry: As tau-bench does it: for refunds that were made already as well.
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
