"""Two judges of your own: a plain function, and a class. Rules stand for whatever yours ask."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest_ugst as ugst

RUDE = re.compile(r"\b(idiots?|thieves|can't you read|for nothing)\b", re.IGNORECASE)
WANTS_MONEY = re.compile(r"\b(refund|money back|reimburse)", re.IGNORECASE)


def manners(component: ugst.Component, conversation: ugst.Conversation, turn: int) -> ugst.Status:
    """Judge one sub-component after one turn, by the words of that turn."""
    said = conversation.turns[turn - 1].user
    if component.category is ugst.Category.POLICY:
        return ugst.Status.MISALIGNED if RUDE.search(said) else ugst.Status.ALIGNED
    return ugst.Status.COMPLETE if WANTS_MONEY.search(said) and "1138" in said else ugst.Status.INCOMPLETE


class Tact:
    """Judges all sub-components of a turn at once, and says why, with the words that a verdict rests on."""

    name = "tact"

    async def judge(
        self, components: Sequence[ugst.Component], conversation: ugst.Conversation, turn: int
    ) -> list[ugst.Verdict]:
        """Return a verdict on every sub-component whose status may still change."""
        return [self._verdict(component, conversation.turns[turn - 1].user, turn) for component in components]

    def _verdict(self, component: ugst.Component, said: str, turn: int) -> ugst.Verdict:
        rule, hit, miss = {
            "policy": (RUDE, ugst.Status.MISALIGNED, ugst.Status.ALIGNED),
            "objective": (WANTS_MONEY, ugst.Status.COMPLETE, ugst.Status.INCOMPLETE),
        }[component.category.value]
        found = rule.search(said)
        quote = (ugst.Evidence(turn=turn, speaker="user", quote=found[0]),) if found else ()
        why = f"{'some' if found else 'no'} words like {rule.pattern}"
        status = hit if found else miss
        return ugst.Verdict(
            component=component.id, turn=turn, status=status, reasoning=why, evidence=quote, by=self.name
        )
