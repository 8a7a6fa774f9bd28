"""The style of a rule-based user: the policies that show in every message."""

from __future__ import annotations

import random
import re
from typing import Final

from pytest_ugst.simulators.agenda.nlg import contract
from pytest_ugst.simulators.agenda.user_goal import UserGoal

BRIEF_WORDS: Final = 30
"""The most words a message has when the policy is to be brief."""

_REQUEST = re.compile(r"\b(could|can|would) you\b", re.I)


class Style:
    """The tone that a goal's policies ask for."""

    def __init__(self, user_goal: UserGoal, rng: random.Random) -> None:
        """Choose the style of one episode.

        Args:
            user_goal: The goal, whose policies are followed.
            rng: Decides what the policies leave open.
        """
        self._polite = user_goal.follows("say_please")
        self._calm = user_goal.follows("no_exclamations")
        self._brief = user_goal.follows("be_brief")
        informal = rng.random() < 0.75
        self._informal = informal and not user_goal.follows("no_contractions")
        self._rng = rng

    def is_too_long(self, text: str) -> bool:
        """Return whether a message is longer than the policies allow."""
        return self._brief and len(text.split()) > BRIEF_WORDS

    def apply(self, text: str, closing: bool = False) -> str:
        """Return a message in this style: politely, in full or with contractions.

        Args:
            text: The message.
            closing: Whether it says goodbye.
        """
        if self._polite and not re.search(r"\bplease\b", text, re.I):
            if closing:
                text = f"{text} Please have a nice day."
            elif request := _REQUEST.search(text):
                text = f"{text[: request.end()]} please{text[request.end() :]}"
            else:
                text = f"{text[:-1]}, please{text[-1]}"
        if closing and not self._calm and self._rng.random() < 0.5:
            text = f"{text[:-1]}!"
        return contract(text) if self._informal else text
