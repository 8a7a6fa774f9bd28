"""A rule-based user, for conversations without a model."""

from __future__ import annotations

import pytest_ugst as ugst


class Guest:
    """The user of one conversation: says what the goal's slots hold, each when the agent asks for it."""

    def __init__(self, goal: ugst.Goal) -> None:
        """Read the slots of the goal's sub-components.

        Args:
            goal: The goal to play.
        """
        self.wish = {slot: str(value) for part in goal.components or () for slot, value in part.slots.items()}

    async def next(self, conversation: ugst.Conversation, state: ugst.GoalState | None) -> ugst.UserTurn:
        """Say the next thing, or end the conversation."""
        if not conversation.turns:
            return ugst.UserTurn(f"Hello, a {self.wish['drink']}, please.")
        answer = conversation.turns[-1].agent or ""
        if "size" in answer:
            return ugst.UserTurn(f"A {self.wish.get('first_size', self.wish['size'])} one, please.")
        if "name" in answer:
            changed_mind = f" And make it {self.wish['size']} after all." if "first_size" in self.wish else ""
            return ugst.UserTurn(f"I'm {self.wish['name']}, please.{changed_mind}")
        return ugst.UserTurn("", stop=ugst.StopReason.USER_ENDED)


class Guests:
    """What ``--ugst-sim=guest`` stands for: makes a guest for each conversation."""

    name = "guest"

    def start(self, goal: ugst.Goal, seed: int, max_turns: int) -> Guest:
        """Make the user of one conversation."""
        return Guest(goal)
