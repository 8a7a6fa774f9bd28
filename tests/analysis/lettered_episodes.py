"""Episodes whose statuses over turns are written as letters, so that a test shows its episode at a glance.

``episode({"lamp": ".tC", "profile": "AAm"})``: the lamp is exchanged in the third turn, in which the profile breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.conversation import Closing, StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from tests.factories import (
    ENDED,
    make_conversation,
    make_episode,
    make_goal,
    make_setting,
    make_turn,
    objective,
    policy,
    preference,
    profile,
    requirement,
    tool_call,
    verdict,
)

_SETTING = make_setting(simulator="sim", agent="agent", judge="judge")
_STATUS = {
    "A": Status.ALIGNED,
    "m": Status.MISALIGNED,
    ".": Status.INCOMPLETE,
    "t": Status.ATTEMPTED,
    "C": Status.COMPLETE,
    "?": None,
}
PARTS = (
    profile("profile", text="You are a baker without a credit card."),
    policy("policy", text="You say farewell at the end."),
    objective("shoes", text="Return the running shoes."),
    requirement("size", "shoes", text="The pair in size nine."),
    objective("lamp", text="Exchange the desk lamp."),
    requirement("colour", "lamp", text="Against a green one."),
    preference("bright", "lamp", text="Rather a bright bulb."),
)
UNHEARD = Closing(text="Can you do that? TERMINATE", separate=False, asked=True)
"""The end of a conversation in the same message as a question."""


def _verdicts(part: Component, letters: str, quote: str | None) -> list[Verdict]:
    quotes = [quote] if quote else []
    return [verdict(part.id, turn, _STATUS[letter], "", quotes=quotes) for turn, letter in enumerate(letters, 1)]


def episode(
    statuses: Mapping[str, str],
    *,
    said: Sequence[str] = (),
    stop: StopReason = StopReason.USER_ENDED,
    closing: Closing | None = ENDED,
    tools: Sequence[int] = (),
    quotes: Mapping[str, str] | None = None,
    id: str = "g",
    goal: str = "g",
    **fields: Any,
) -> Episode:
    """Return such an episode.

    Args:
        statuses: By sub-component, its status after each turn, a letter each; ``?`` for a missing verdict. Those left
            out succeed in the first turn.
        said: What the user says, turn by turn; "Hm." where it is short.
        stop: The reason for which the conversation ended.
        closing: The user's message that ended it, where the user did.
        tools: The turns in which the agent used a tool.
        quotes: By sub-component, words of the user as evidence.
        id: The episode's id.
        goal: The goal's id.
        fields: More of the episode, as :func:`tests.factories.make_episode` takes them.
    """
    turns = max((len(letters) for letters in statuses.values()), default=1)
    verdicts = []
    for part in PARTS:
        best = "C" if part.category in (Category.OBJECTIVE, Category.REQUIREMENT) else "A"
        verdicts += _verdicts(part, statuses.get(part.id, best * turns), (quotes or {}).get(part.id))
    heard = [
        make_turn(
            said[turn - 1] if turn <= len(said) else "Hm.",
            None if closing is UNHEARD and turn == turns else "Yes?",
            *([tool_call("find", id=str(turn))] if turn in tools else []),
        )
        for turn in range(1, turns + 1)
    ]
    ended = closing if stop is StopReason.USER_ENDED else None
    return make_episode(
        make_goal(goal, *PARTS, text="Return and exchange.", domain="shop"),
        *verdicts,
        conversation=make_conversation(*heard, stop=stop, closing=ended),
        id=id,
        **{"setting": _SETTING, **fields},
    )
