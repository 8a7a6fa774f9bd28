"""Judging a conversation that exists already, turn by turn, as it would have been judged while it was played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal import Component
from pytest_ugst.core.protocols import Judge
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.engine.goal_tracker import GoalTracker
from pytest_ugst.judges.checks import ChecksJudge


class JudgedConversation(NamedTuple):
    """The verdicts on a whole conversation."""

    verdicts: tuple[Verdict, ...]
    """Ordered by turn and component."""
    second_opinions: tuple[Verdict, ...]
    """Verdicts of the checks that stand beside the judge."""


async def judge_conversation(
    components: Sequence[Component], conversation: Conversation, judge: Judge, checks: ChecksJudge
) -> JudgedConversation:
    """Judge a whole conversation.

    Args:
        components: The goal's sub-components.
        conversation: What was said, from the first turn to the last.
        judge: Judges the sub-components whose status no check decides.
        checks: Judges the others.

    Raises:
        ChatUnavailableError: If the judge can't be reached at all.
    """
    tracker = GoalTracker(components, judge, checks)
    try:
        for turn in range(1, len(conversation.turns) + 1):
            tracker.turn(conversation.up_to(turn))
        verdicts = await tracker.finish(conversation)
        return JudgedConversation(verdicts, tracker.second_opinions(conversation))
    except BaseException:
        tracker.cancel()
        raise
