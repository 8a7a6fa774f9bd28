"""How a rule-based user says things: the policies that show in every message."""

from __future__ import annotations

import random
import re
from typing import Final

from pytest_ugst.simulators.agenda.nlg import shorten
from pytest_ugst.simulators.agenda.user_goal import UserGoal

BRIEF_WORDS: Final = 30
"""The most words a message has when the policy is to be brief."""

_ASKING = re.compile(r"\b(could|can|would) you\b", re.I)


class Manners:
    """Gives messages the tone that the goal's policies ask for."""

    def __init__(self, plan: UserGoal, rng: random.Random) -> None:
        self._polite = plan.follows("say_please")
        self._calm = plan.follows("no_exclamations")
        self.brief = plan.follows("be_brief")
        informal = rng.random() < 0.75
        self._informal = informal and not plan.follows("no_contractions")
        self._rng = rng

    def too_long(self, text: str) -> bool:
        """Whether a message is longer than the policies allow."""
        return self.brief and len(text.split()) > BRIEF_WORDS

    def polish(self, text: str, closing: bool = False) -> str:
        """Say it politely, in full or in short, as the policies ask.

        Args:
            text: What to say.
            closing: Whether it says goodbye.
        """
        if self._polite and not re.search(r"\bplease\b", text, re.I):
            if closing:
                text = f"{text} Please have a nice day."
            elif asking := _ASKING.search(text):
                text = f"{text[: asking.end()]} please{text[asking.end() :]}"
            else:
                text = f"{text[:-1]}, please{text[-1]}"
        if closing and not self._calm and self._rng.random() < 0.5:
            text = f"{text[:-1]}!"
        return shorten(text) if self._informal else text
