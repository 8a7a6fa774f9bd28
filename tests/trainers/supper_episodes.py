"""A supper that is booked in two turns: episodes for tests of training data."""

from __future__ import annotations

from typing import Any

from pytest_ugst.core.conversation import Closing, StopReason
from pytest_ugst.core.episode import Episode
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
    requirement,
    verdict,
)

GOAL = make_goal(
    "supper",
    policy("shout", text="You never shout."),
    objective("supper", text="Book supper."),
    requirement("two", "supper", text="For two in the east."),
    objective("museum", text="Find a museum."),
    text="You never shout. Book supper for two in the east. Then find a museum.",
)
SAID = ("A table for two in the east?", "And is there a museum?")


def judged(part: str, turn: int, status: str | None) -> Verdict:
    """Return a judge's verdict, with reasoning."""
    return verdict(part, turn, status, "judge", reasoning="because")


def verdicts(shouts: int = 0) -> tuple[Verdict, ...]:
    """Return verdicts of whom all is done after two turns, unless the user shouts in one of them."""
    return (
        judged("shout", 1, "MISALIGNED" if shouts == 1 else "ALIGNED"),
        judged("shout", 2, "MISALIGNED" if shouts == 2 else "ALIGNED"),
        judged("supper", 1, "COMPLETE"),
        judged("two", 1, "COMPLETE"),
        judged("museum", 1, "INCOMPLETE"),
        judged("museum", 2, "COMPLETE"),
    )


def supper(id: str = "supper", closing: Closing | None = ENDED, shouts: int = 0, **fields: Any) -> Episode:
    """Return an episode of two turns and an ending.

    Args:
        id: The episode's id; the goal's is what stands before an ``@``.
        closing: The user's message that ended it; None for a conversation that was cut off.
        shouts: The turn in which the user shouts.
        fields: What differs, as :func:`tests.factories.make_episode` takes it.
    """
    last = "Done." if closing is None or closing.separate else None
    first, second = (make_turn(text, "Done.", user_reasoning="I thought.") for text in SAID)
    stop = StopReason.USER_ENDED if closing is not None else StopReason.TURN_LIMIT
    defaults: dict[str, Any] = {
        "setting": make_setting(simulator="sim", agent="rules", judge="judge"),
        "conversation": make_conversation(first, second.model_copy(update={"agent": last}), stop=stop, closing=closing),
    }
    goal = GOAL.model_copy(update={"id": id.partition("@")[0]})
    return make_episode(goal, *fields.pop("verdicts", verdicts(shouts)), id=id, **(defaults | fields))


def thinking(episode: Episode) -> Episode:
    """Return the episode as if a model had played it that was asked to think."""
    setting = episode.setting.model_copy(update={"reasoning": True, "models": {"sim": "0"}})
    return episode.model_copy(update={"setting": setting})
