"""The domain: what an agent of the library can do, what it works with, and how it is to work."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

import pytest_ugst as ugst

POLICY = """\
You work at the desk of a library. Lend a book if a copy is left; reserve it if not, once the reader agrees.
A loan takes at most four weeks. Ask for the number of the reader's card first.
"""

BASE = ugst.BaseTables(
    {
        "books": {
            "Emma": {"author": "Jane Austen", "copies": 2},
            "Persuasion": {"author": "Jane Austen", "copies": 0},
            "Middlemarch": {"author": "George Eliot", "copies": 1},
        },
        "cards": {"1001": {"name": "Ada"}, "1002": {"name": "Max"}},
        "loans": {},
        "reservations": {},
    }
)


class LibraryTools:
    """The tools. Signatures and docstrings are what a model gets to read, and what its calls are checked against."""

    def __init__(self, db: ugst.Overlay) -> None:
        """Work on one conversation's view of the tables.

        Args:
            db: The view; what is changed in it stays in this conversation.
        """
        self.db = db

    @ugst.tool
    def find_books(self, author: str) -> dict[str, int]:
        """Find the books of an author, each with the number of copies that are left.

        Args:
            author: Full name of the author.
        """
        books = self.db["books"].items()
        return {title: book["copies"] for title, book in books if book["author"].lower() == author.lower()}

    @ugst.tool
    def lend_book(self, card: str, title: str, weeks: Annotated[int, Field(ge=1, le=4)] = 2) -> str:
        """Lend a book.

        Args:
            card: Number of the reader's card.
            title: Exact title of the book.
            weeks: How long the reader keeps it.
        """
        self._require(card, title)
        if self.db["books"][title]["copies"] == 0:
            raise ugst.ToolError(f"no copy of {title!r} is left.")
        self.db["books"].edit(title)["copies"] -= 1
        self.db["loans"].add(f"{card}/{title}", {"weeks": weeks})
        return f"{title} is lent for {weeks} weeks."

    @ugst.tool
    def reserve_book(self, card: str, title: str) -> str:
        """Reserve a book of which no copy is left.

        Args:
            card: Number of the reader's card.
            title: Exact title of the book.
        """
        self._require(card, title)
        self.db["reservations"].add(f"{card}/{title}", {})
        return f"{title} is reserved."

    def _require(self, card: str, title: str) -> None:
        if card not in self.db["cards"]:
            raise ugst.ToolError(f"there is no card {card!r}.")
        if title not in self.db["books"]:
            raise ugst.ToolError(f"there is no book {title!r}.")


TOOLBOX = ugst.Toolbox(LibraryTools)


class LibrarySession(ugst.DomainSession):
    """One conversation's view of the library; it scores the agent's work by the tables at the end."""

    def __init__(self, goal: ugst.Goal) -> None:
        """Open a session.

        Args:
            goal: The goal of the conversation; its data say what the tables should hold in the end.
        """
        self.db = BASE.overlay()
        self._wanted = {name: goal.data.get(name, {}) for name in ("loans", "reservations")}
        super().__init__(LibraryTools(self.db), self.db, POLICY, TOOLBOX)

    def scores(self, conversation: ugst.Conversation) -> dict[str, float]:
        """Return 1 for each table that holds what the goal asks for, and for ``task`` if both do."""
        right = {name: float(dict(self.db[name]) == wanted) for name, wanted in self._wanted.items()}
        return {"task": min(right.values()), **right}


class Library:
    """The domain. Goals name it by ``domain: library``."""

    name = "library"

    def open(self, goal: ugst.Goal, seed: int) -> LibrarySession:
        """Open a session for one conversation."""
        return LibrarySession(goal)
