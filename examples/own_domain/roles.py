"""A librarian and a reader by rules, so that the goals can be played without a model."""

from __future__ import annotations

import re
from typing import Any

import pytest_ugst as ugst

SLOTS = {"title": r'"(.+?)"', "weeks": r"\b(\d) weeks", "card": r"\bcard is (\d+)"}


class Librarian:
    """The agent: lends a book if it can, and offers to reserve it if not."""

    def __init__(self, hasty: bool = False) -> None:
        """Make a librarian.

        Args:
            hasty: Whether to overhear for how long the reader wants the book.
        """
        self.name = "librarian:hasty" if hasty else "librarian"
        self.hasty = hasty

    async def respond(self, conversation: ugst.Conversation, session: ugst.Session) -> ugst.AgentTurn:
        """Answer the reader; one librarian serves many, so what is known of a wish is kept in the session's notes."""
        wish: dict[str, Any] = session.notes.setdefault("wish", {})
        for slot, pattern in SLOTS.items():
            if match := re.search(pattern, conversation.turns[-1].user):
                wish[slot] = int(match[1]) if slot == "weeks" else match[1]
        if "title" not in wish or "card" not in wish:
            return ugst.AgentTurn("Which book would you like, and what is the number of your card?")
        if session.notes.get("offered"):
            return use(session, "reserve_book", title=wish["title"], card=wish["card"])
        if self.hasty:
            wish.pop("weeks", None)
        answer = use(session, "lend_book", **wish)
        if answer.tool_calls[0].ok:
            return answer
        session.notes["offered"] = True
        return ugst.AgentTurn("No copy is left. Shall I reserve it for you?", answer.tool_calls)


def use(session: ugst.Session, tool: str, **arguments: Any) -> ugst.AgentTurn:
    """Call a tool of the domain, and read its result out."""
    result = session.call(tool, arguments)
    call = ugst.ToolCall(id="1", name=tool, arguments=arguments, result=result.text, ok=result.ok)
    return ugst.AgentTurn(result.text, (call,))


class Reader:
    """The user of one conversation: says what the goal's slots hold."""

    def __init__(self, goal: ugst.Goal) -> None:
        """Read the slots of the goal's sub-components.

        Args:
            goal: The goal to play.
        """
        self.wish = {slot: value for part in goal.components or () for slot, value in part.slots.items()}

    async def next(self, conversation: ugst.Conversation, state: ugst.GoalState | None) -> ugst.UserTurn:
        """Say the next thing, or end the conversation."""
        if not conversation.turns:
            weeks = f" for {self.wish['weeks']} weeks" if "weeks" in self.wish else ""
            return ugst.UserTurn(f'Good morning. I would like to borrow "{self.wish["title"]}"{weeks}.')
        answer = conversation.turns[-1].agent or ""
        if "card" in answer:
            return ugst.UserTurn(f"My card is {self.wish['card']}.")
        if "reserve it" in answer:
            return ugst.UserTurn("Yes, please do.")
        return ugst.UserTurn("", stop=ugst.StopReason.USER_ENDED)


class Readers:
    """What ``--ugst-sim=reader`` stands for: makes a reader for each conversation."""

    name = "reader"

    def start(self, goal: ugst.Goal, seed: int, max_turns: int) -> Reader:
        """Make the user of one conversation."""
        return Reader(goal)
