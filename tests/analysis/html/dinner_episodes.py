"""A dinner that is booked in three turns, with quotes, tool calls and reasoning: episodes to make pages of."""

from __future__ import annotations

from typing import Any

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Status
from pytest_ugst.core.usage import Usage
from tests.factories import (
    ENDED,
    make_conversation,
    make_episode,
    make_goal,
    make_turn,
    objective,
    policy,
    preference,
    profile,
    requirement,
    tool_call,
    verdict,
)

PARTS = (
    profile("home", text="You live in Dunmarsh."),
    policy("please", text="You say please in every message."),
    objective("table", text="Book a table."),
    requirement("two", "table", text="For two people."),
    preference("quiet", "table", text="You prefer a quiet place."),
)
TALK = (
    make_turn(
        "Hello, please find me a quiet restaurant.",
        "Wild Sorrel is quiet. Shall I book it?",
        tool_call("find", '[{"name": "Wild Sorrel"}]', arguments={"quiet": True}),
        user_reasoning="I should start with the preference.",
        agent_reasoning="One place fits.",
    ),
    make_turn(
        "Yes, for two. I come from Brindleford.",
        "It is booked: CQ-1.",
        tool_call("book", '{"ok": true, "id": "CQ-1"}', id="2", arguments={"people": 2, "id": 2**60}),
        tool_call("pay", "no card", id="3", ok=False),
    ),
    make_turn("Thank you, please goodbye.", "Goodbye!"),
)
VERDICTS = (
    verdict("home", 1, "ALIGNED"),
    verdict("home", 2, "MISALIGNED", reasoning="They name another town.", quotes=["I come from BRINDLEFORD"]),
    verdict("please", 1, "ALIGNED"),
    verdict("please", 2, "MISALIGNED", reasoning="There is no please.", quotes=["Yes, for two."]),
    verdict("table", 1, "INCOMPLETE"),
    verdict(
        "table",
        2,
        "COMPLETE",
        reasoning="It is booked.",
        quotes=[(2, "agent", "It is … CQ-1"), (2, "tool", '{"ok": true, "id"')],
    ),
    verdict("two", 1, "INCOMPLETE"),
    verdict("two", 2, "COMPLETE", quotes=["for two"]),
    verdict("quiet", 1, "ALIGNED", quotes=["a quiet restaurant"]),
)


def dinner(name: str = "dinner", **fields: Any) -> Episode:
    """Return the episode; its second turn breaks profile and policy, and books the table.

    Args:
        name: The goal's id.
        fields: What differs: ``goal``, ``tags``, ``verdicts``, or more that :func:`tests.factories.make_episode` takes.
    """
    text = "You live in Dunmarsh. Book a quiet table for two and say please."
    tags = fields.pop("tags", ("dinner",))
    goal = fields.pop("goal", None) or make_goal(name, *PARTS, text=text, domain="town", tags=tags)
    defaults: dict[str, Any] = {
        "conversation": make_conversation(*TALK, stop=StopReason.USER_ENDED, closing=ENDED),
        "usage": {"judge": Usage(calls=9, prompt_tokens=900, completion_tokens=90, seconds=1.5, cost=0.02)},
        "seconds": 2.5,
        "task": {"task": 1.0},
    }
    return make_episode(goal, *fields.pop("verdicts", VERDICTS), **(defaults | fields))


def aligned(name: str, **fields: Any) -> Episode:
    """Return the same, with nothing that failed."""
    kept = tuple(v for v in VERDICTS if v.status is not Status.MISALIGNED)
    more = tuple(verdict(c, t, "ALIGNED") for c in ("home", "please") for t in (2, 3))
    return dinner(name, verdicts=(*kept, *more), **fields)
