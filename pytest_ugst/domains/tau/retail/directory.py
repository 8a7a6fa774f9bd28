"""Finding users and items without going through all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Directory:
    """Users by e-mail and by name, products by item. No tool changes any of these, so all sessions share them.

    A user's zip code is not here: it changes with the address.
    """

    def __init__(self, users: Mapping[str, Mapping[str, Any]], products: Mapping[str, Mapping[str, Any]]) -> None:
        self._emails: dict[str, str] = {}
        self._names: dict[tuple[str, str], list[str]] = {}
        self._products = {item: product_id for product_id, product in products.items() for item in product["variants"]}
        for user_id, user in users.items():
            name = user["name"]
            self._emails.setdefault(user["email"].lower(), user_id)
            self._names.setdefault((name["first_name"].lower(), name["last_name"].lower()), []).append(user_id)

    def by_email(self, email: str) -> str | None:
        """A user's id, without regard to case."""
        return self._emails.get(email.lower())

    def by_name(self, first_name: str, last_name: str) -> Sequence[str]:
        """The ids of all users of a name, without regard to case."""
        return self._names.get((first_name.lower(), last_name.lower()), ())

    def product_of(self, item_id: str) -> str | None:
        """The product that an item is a variant of."""
        return self._products.get(item_id)
