"""The tools of the retail domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_ugst.domains.overlay import Overlay, Record
from pytest_ugst.domains.tau.retail.directory import Directory
from pytest_ugst.domains.tau.retail.orders import check_items, plan_swap, refunds
from pytest_ugst.domains.tau.tools import TauTools, ThinkTool
from pytest_ugst.domains.toolbox import ToolError, tool

Items = Annotated[list[str], Field(min_length=1)]

MODIFIED = "pending (item modified)"
"""The status of an order whose items were changed; nothing more can be done with it then."""


class RetailTools(TauTools):
    """The retail tools that both editions have."""

    _must_differ = False
    """True to refuse replacing an item of a pending order by itself. 24 of tau-bench's train goals ask for that;
    tau2-bench refuses it."""

    def __init__(self, db: Overlay, quirks: bool, directory: Directory) -> None:
        """Make the tools of one session.

        Args:
            db: The session's view of the tables.
            quirks: Keep the upstream bugs that published numbers depend on (``compat: v1``).
            directory: The index of users and products, shared by all sessions.
        """
        super().__init__(db, quirks)
        self._directory = directory

    @tool
    def find_user_id_by_email(self, email: str) -> str:
        """Find a user's id by e-mail address. Try this before name and zip code.

        Args:
            email: Such as 'someone@example.com'.
        """
        user_id = self._directory.by_email(email)
        if user_id is None:
            raise ToolError("user not found")
        return user_id

    @tool
    def find_user_id_by_name_zip(self, first_name: str, last_name: str, zip: str) -> str:
        """Find a user's id by name and zip code, for users who can't be found by e-mail address.

        Args:
            first_name: Such as 'Ada'.
            last_name: Such as 'Meyer'.
            zip: Such as '12345'.
        """
        for user_id in self._directory.by_name(first_name, last_name):
            if self._db["users"][user_id]["address"]["zip"] == zip:
                return user_id
        raise ToolError("user not found")

    @tool
    def get_user_details(self, user_id: str) -> Mapping[str, Any]:
        """A user's profile, with address, payment methods and orders.

        Args:
            user_id: Such as 'sara_doe_496'.
        """
        user = self._db["users"].get(user_id)
        if user is None:
            raise ToolError("user not found")
        return user

    @tool
    def get_order_details(self, order_id: str) -> Mapping[str, Any]:
        """An order, with its status.

        Args:
            order_id: Such as '#W0000000', with the '#'.
        """
        order = self._db["orders"].get(order_id)
        if order is None:
            raise ToolError("order not found")
        return order

    @tool
    def get_product_details(self, product_id: str) -> Mapping[str, Any]:
        """A product with all its variants, their options, prices, and whether they are to be had.

        Args:
            product_id: Such as '6086499569'; not the id of an item.
        """
        product = self._db["products"].get(product_id)
        if product is None:
            raise ToolError("product not found")
        return product

    @tool
    def list_all_product_types(self) -> dict[str, str]:
        """All products of the shop: names and product ids."""
        products = self._db["products"].values()
        return dict(sorted((product["name"], product["product_id"]) for product in products))

    @tool
    def cancel_pending_order(self, order_id: str, reason: Literal["no longer needed", "ordered by mistake"]) -> Record:
        """Cancel a pending order and refund it: at once to a gift card, else in 5 to 7 business days.

        Tell the customer what will happen, and get a clear yes, before.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            reason: Why; nothing else is accepted.
        """
        order = self._order(order_id, "pending", "non-pending order cannot be cancelled")
        made = refunds(order["payment_history"], every_entry=self._quirks)
        for refund in made:
            self._pay(order["user_id"], refund["payment_method_id"], -refund["amount"])
        order = self._db["orders"].edit(order_id)
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        order["payment_history"] += made
        return order

    @tool
    def modify_pending_order_address(
        self, order_id: str, address1: str, address2: str, city: str, state: str, country: str, zip: str
    ) -> Record:
        """Change where a pending order is sent. Get a clear yes from the customer before.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            address1: First line, such as '123 Main Street'.
            address2: Second line, such as 'Suite 4', or ''.
            city: Such as 'Denver'.
            state: Such as 'CO'.
            country: Such as 'USA'.
            zip: Such as '12345'.
        """
        self._order(order_id, "pending", "non-pending order cannot be modified")
        order = self._db["orders"].edit(order_id)
        order["address"] = _address(address1, address2, city, state, country, zip)
        return order

    @tool
    def modify_pending_order_payment(self, order_id: str, payment_method_id: str) -> Record:
        """Change what pays for a pending order. Get a clear yes from the customer before.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            payment_method_id: Another payment method of the user's profile, such as 'gift_card_0000000'.
        """
        order = self._order(order_id, "pending", "non-pending order cannot be modified")
        self._method(order, payment_method_id)
        history = order["payment_history"]
        if len(history) != 1 or history[0]["transaction_type"] != "payment":
            raise ToolError("there should be exactly one payment for a pending order")
        before, amount = history[0]["payment_method_id"], history[0]["amount"]
        if before == payment_method_id:
            raise ToolError("the new payment method should be different from the current one")
        self._require_funds(order, payment_method_id, amount, "the order")
        self._pay(order["user_id"], payment_method_id, amount)
        self._pay(order["user_id"], before, -amount)
        order = self._db["orders"].edit(order_id)
        order["payment_history"] += [
            {"transaction_type": "payment", "amount": amount, "payment_method_id": payment_method_id},
            {"transaction_type": "refund", "amount": amount, "payment_method_id": before},
        ]
        return order

    @tool
    def modify_pending_order_items(
        self, order_id: str, item_ids: Items, new_item_ids: Items, payment_method_id: str
    ) -> Record:
        """Replace items of a pending order by other variants of the same products. Works once per order.

        Get a clear yes from the customer before, for all items together.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            item_ids: Items of the order; one that is there twice may be named twice.
            new_item_ids: For each of them, in the same place, what it becomes.
            payment_method_id: What pays the difference, or gets it back.
        """
        order = self._order(order_id, "pending", "non-pending order cannot be modified")
        if self._must_differ and any(old == new for old, new in zip(item_ids, new_item_ids, strict=False)):
            raise ToolError("the new item id should be different from the old item id")
        swap = plan_swap(order, self._db["products"], item_ids, new_item_ids, in_turn=self._quirks)
        difference = swap.difference if self._quirks else round(swap.difference, 2)
        self._require_funds(order, payment_method_id, difference, "the new item")
        self._pay(order["user_id"], payment_method_id, difference)
        order = self._db["orders"].edit(order_id)
        order["payment_history"].append(
            {
                "transaction_type": "payment" if difference > 0 else "refund",
                "amount": abs(difference),
                "payment_method_id": payment_method_id,
            }
        )
        for position, variant in swap.new:
            order["items"][position].update(
                item_id=variant["item_id"], price=variant["price"], options=dict(variant["options"])
            )
        order["status"] = MODIFIED
        return order

    @tool
    def exchange_delivered_order_items(
        self, order_id: str, item_ids: Items, new_item_ids: Items, payment_method_id: str
    ) -> Record:
        """Exchange items of a delivered order for variants of the same products. Only one exchange or return per order.

        Get a clear yes from the customer before, for all items together.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            item_ids: Items of the order; one that is there twice may be named twice.
            new_item_ids: For each of them, in the same place, what it becomes.
            payment_method_id: What pays the difference, or gets it back.
        """
        order = self._order(order_id, "delivered", "non-delivered order cannot be exchanged")
        swap = plan_swap(order, self._db["products"], item_ids, new_item_ids, in_turn=False)
        difference = round(swap.difference, 2)
        self._require_funds(order, payment_method_id, difference, "the price difference")
        order = self._db["orders"].edit(order_id)
        order["status"] = "exchange requested"
        order["exchange_items"] = sorted(item_ids)
        order["exchange_new_items"] = sorted(new_item_ids)
        order["exchange_payment_method_id"] = payment_method_id
        order["exchange_price_difference"] = difference
        return order

    @tool
    def return_delivered_order_items(self, order_id: str, item_ids: Items, payment_method_id: str) -> Record:
        """Return items of a delivered order. Only one exchange or return per order.

        Get a clear yes from the customer before. How to send them is told by e-mail afterwards.

        Args:
            order_id: Such as '#W0000000', with the '#'.
            item_ids: Items of the order; one that is there twice may be named twice.
            payment_method_id: What gets the refund: what paid for the order, or a gift card.
        """
        order = self._order(order_id, "delivered", "non-delivered order cannot be returned")
        method = self._method(order, payment_method_id)
        paid_with = order["payment_history"][0]["payment_method_id"]
        if method["source"] != "gift_card" and payment_method_id != paid_with:
            raise ToolError("payment method should be either the original payment method or a gift card")
        check_items(order, item_ids, "some item not found")
        order = self._db["orders"].edit(order_id)
        order["status"] = "return requested"
        order["return_items"] = sorted(item_ids)
        order["return_payment_method_id"] = payment_method_id
        return order

    @tool
    def modify_user_address(
        self, user_id: str, address1: str, address2: str, city: str, state: str, country: str, zip: str
    ) -> Record:
        """Change a user's default address. Get a clear yes from the customer before.

        Args:
            user_id: Such as 'sara_doe_496'.
            address1: First line, such as '123 Main Street'.
            address2: Second line, such as 'Suite 4', or ''.
            city: Such as 'Denver'.
            state: Such as 'CO'.
            country: Such as 'USA'.
            zip: Such as '12345'.
        """
        self.get_user_details(user_id)
        user = self._db["users"].edit(user_id)
        user["address"] = _address(address1, address2, city, state, country, zip)
        return user

    def _order(self, order_id: str, status: str, otherwise: str) -> Mapping[str, Any]:
        order = self.get_order_details(order_id)
        if order["status"] != status:
            raise ToolError(otherwise)
        return order

    def _method(self, order: Mapping[str, Any], payment_method_id: str) -> Mapping[str, Any]:
        method: Mapping[str, Any] | None = self._db["users"][order["user_id"]]["payment_methods"].get(payment_method_id)
        if method is None:
            raise ToolError("payment method not found")
        return method

    def _require_funds(self, order: Mapping[str, Any], payment_method_id: str, amount: float, what: str) -> None:
        method = self._method(order, payment_method_id)
        if method["source"] == "gift_card" and method["balance"] < amount:
            raise ToolError(f"insufficient gift card balance to pay for {what}")

    def _pay(self, user_id: str, payment_method_id: str, amount: float) -> None:
        """Take an amount off a gift card; a negative amount is added to it. Other payment methods do not change."""
        method = self._db["users"][user_id]["payment_methods"].get(payment_method_id)
        if method is not None and method["source"] == "gift_card":
            card = self._db["users"].edit(user_id)["payment_methods"][payment_method_id]
            card["balance"] = round(card["balance"] - amount, 2)


class RetailToolsV1(RetailTools, ThinkTool):
    """The 16 retail tools of tau-bench."""


class RetailToolsTau2(RetailTools):
    """The 16 retail tools of tau2-bench: without ``think``, with ``get_item_details``. Its reference actions use 15."""

    _must_differ = True

    @tool
    def get_item_details(self, item_id: str) -> Mapping[str, Any]:
        """A variant of a product: its options, price, and whether it is to be had.

        Args:
            item_id: Such as '6086499569'; not the id of a product.
        """
        product_id = self._directory.product_of(item_id)
        if product_id is None:
            raise ToolError("item not found")
        variant: Mapping[str, Any] = self._db["products"][product_id]["variants"][item_id]
        return variant


def _address(address1: str, address2: str, city: str, state: str, country: str, zip: str) -> Record:
    return {
        "address1": address1,
        "address2": address2,
        "city": city,
        "state": state,
        "country": country,
        "zip": zip,
    }
