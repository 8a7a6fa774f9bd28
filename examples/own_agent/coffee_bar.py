"""The agent under test, twice: as a plain function and as an async class. It stands for your own application."""

from __future__ import annotations

import re
from typing import Any

import pytest_ugst as ugst

QUESTIONS = {
    "drink": "Hello! Would you like an espresso, a latte or a tea?",
    "size": "Which size, small or large?",
    "name": "And what is your name?",
}
GOODBYE = "Thank you, and good-bye!"
WORDS = {
    "drink": r"\b(espresso|latte|tea)\b",
    "size": r"\b(small|large)\b",
    "name": r"\b(?:my name is|I'm) (\w+)",
}


def place_order(drink: str, size: str, name: str) -> str:
    """Send an order to the kitchen. This is the agent's tool."""
    return f"{size} {drink} for {name}, {3 if size == 'small' else 4} euros"


def understand(text: str) -> dict[str, str]:
    """Return what a text says about an order; of two drinks or sizes, the first."""
    found = {slot: re.search(pattern, text, re.IGNORECASE) for slot, pattern in WORDS.items()}
    return {slot: match[1] for slot, match in found.items() if match}


def coffee_bar(messages: list[dict[str, str]]) -> str | dict[str, Any]:
    """Answer as a function does: with a text, or with a message that names the tools that were called."""
    if any(message["content"].startswith("Coming up") for message in messages):
        return GOODBYE
    order = understand(" ".join(message["content"] for message in messages if message["role"] == "user"))
    for slot, question in QUESTIONS.items():
        if slot not in order:
            return question
    result = place_order(**order)
    call = {"name": "place_order", "arguments": order, "result": result}
    return {"role": "assistant", "content": f"Coming up: {result}.", "tool_calls": [call]}


class CoffeeBar:
    """Answers as an object does: async, and with a memory for each conversation."""

    name = "coffee-bar"

    async def respond(self, conversation: ugst.Conversation, session: ugst.Session) -> ugst.AgentTurn:
        """Answer the last turn's user; one object serves many conversations, so the order is kept in the session."""
        if session.notes.get("ordered"):
            return ugst.AgentTurn(GOODBYE)
        order: dict[str, str] = session.notes.setdefault("order", {})
        order.update(understand(conversation.turns[-1].user))
        for slot, question in QUESTIONS.items():
            if slot not in order:
                return ugst.AgentTurn(question)
        result = place_order(**order)
        session.notes["ordered"] = True
        call = ugst.ToolCall(id="1", name="place_order", arguments={**order}, result=result)
        return ugst.AgentTurn(f"Coming up: {result}.", (call,))
