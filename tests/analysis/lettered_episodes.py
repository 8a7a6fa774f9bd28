"""Hand-made episodes: statuses over turns in a word, so that a test shows its episode at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Evidence, Verdict

_STATUS = {
    "A": Status.ALIGNED,
    "m": Status.MISALIGNED,
    ".": Status.INCOMPLETE,
    "t": Status.ATTEMPTED,
    "C": Status.COMPLETE,
}
PARTS = (
    Component(id="profile", category=Category.PROFILE, text="You are a baker without a credit card."),
    Component(id="policy", category=Category.POLICY, text="You say farewell at the end."),
    Component(id="shoes", category=Category.OBJECTIVE, text="Return the running shoes."),
    Component(id="size", category=Category.REQUIREMENT, text="The pair in size nine.", parent="shoes"),
    Component(id="lamp", category=Category.OBJECTIVE, text="Exchange the desk lamp."),
    Component(id="colour", category=Category.REQUIREMENT, text="Against a green one.", parent="lamp"),
    Component(id="bright", category=Category.PREFERENCE, text="Rather a bright bulb.", parent="lamp"),
)
SEPARATE = Closing(text="TERMINATE", separate=True)
UNHEARD = Closing(text="Can you do that? TERMINATE", separate=False, asked=True)


def episode(
    statuses: Mapping[str, str],
    *,
    said: Sequence[str] = (),
    stop: StopReason = StopReason.USER_ENDED,
    closing: Closing | None = SEPARATE,
    tools: Sequence[int] = (),
    quotes: Mapping[str, str] | None = None,
    max_turns: int = 10,
    **fields: Any,
) -> Episode:
    """An episode.

    Args:
        statuses: By sub-component, its status after each turn, a letter each; ``?`` for a missing verdict. Those left
            out succeed in the first turn.
        said: What the user says, turn by turn; "Hm." where it is short.
        stop: Why it is over.
        closing: How the user ended it.
        tools: The turns in which the agent used a tool.
        quotes: By sub-component, words of the user as evidence.
        max_turns: The limit.
        fields: More of the episode.
    """
    turns = max((len(word) for word in statuses.values()), default=1)
    verdicts = []
    for part in PARTS:
        best = {Category.OBJECTIVE: "C", Category.REQUIREMENT: "C"}.get(part.category, "A") * turns
        for turn, letter in enumerate(statuses.get(part.id, best), 1):
            quote = (quotes or {}).get(part.id)
            verdicts.append(
                Verdict(
                    component=part.id,
                    turn=turn,
                    status=_STATUS.get(letter),
                    error="no answer" if letter == "?" else None,
                    evidence=(Evidence(turn=turn, speaker="user", quote=quote),) if quote else (),
                )
            )
    heard = [
        Turn(
            user=said[turn - 1] if turn <= len(said) else "Hm.",
            agent=None if closing is UNHEARD and turn == turns else "Yes?",
            tool_calls=(ToolCall(id=str(turn), name="find"),) if turn in tools else (),
        )
        for turn in range(1, turns + 1)
    ]
    conversation = Conversation(
        turns=tuple(heard), stop=stop, closing=closing if stop is StopReason.USER_ENDED else None
    )
    return Episode(
        id=fields.pop("id", "g"),
        goal=Goal(id=fields.pop("goal", "g"), text="Return and exchange.", domain="shop", components=PARTS),
        setting=EpisodeConfig(simulator="sim", agent="agent", judge="judge"),
        max_turns=max_turns,
        conversation=conversation,
        verdicts=tuple(verdicts),
        **fields,
    )
