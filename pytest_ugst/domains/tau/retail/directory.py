"""Index of users and items, to find them without a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Directory:
    """Index of users by e-mail and by name, and of products by item.

    No tool changes any of these, so all sessions share it. A user's zip code is not indexed: it changes with the
    address.
    """

    def __init__(self, users: Mapping[str, Mapping[str, Any]], products: Mapping[str, Mapping[str, Any]]) -> None:
        """Build the index.

        Args:
            users: The users by id.
            products: The products by id.
        """
        self._emails: dict[str, str] = {}
        self._names: dict[tuple[str, str], list[str]] = {}
        self._products = {item: product_id for product_id, product in products.items() for item in product["variants"]}
        for user_id, user in users.items():
            name = user["name"]
            self._emails.setdefault(user["email"].lower(), user_id)
            self._names.setdefault((name["first_name"].lower(), name["last_name"].lower()), []).append(user_id)

    def by_email(self, email: str) -> str | None:
        """Return the id of the user with an e-mail address, without regard to case; None if there is none."""
        return self._emails.get(email.lower())

    def by_name(self, first_name: str, last_name: str) -> Sequence[str]:
        """Return the ids of all users of a name, without regard to case."""
        return self._names.get((first_name.lower(), last_name.lower()), ())

    def product_of(self, item_id: str) -> str | None:
        """Return the id of the product that an item is a variant of; None if there is no such item."""
        return self._products.get(item_id)
