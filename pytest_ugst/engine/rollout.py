"""The rollout: plays one episode."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import NoSession, Session, Simulator
from pytest_ugst.engine.goal_tracker import GoalTracker
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet


async def run_episode(plan: EpisodeSpec, cast: RoleSet, told: Callable[[int], None] = lambda turns: None) -> Episode:
    """Play one episode: user and agent in turns, the goal state after each, until one of them ends it.

    A role that fails ends the conversation, which is kept with the reason.

    Args:
        plan: What to play.
        cast: Who plays.
        told: Called with the number of turns after each.

    Raises:
        ChatUnavailableError: If a model can't be reached at all, so that no other episode would fare better.
        UsageError: If goal, domain and roles don't fit.
        RoleError: If the goal could not be decomposed.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    goal = await _decomposed(plan.goal, cast)
    session: Session = NoSession() if goal.domain is None else cast.domain(goal.domain).open(goal, plan.seed)
    session.notes["seed"] = plan.seed
    tracker = GoalTracker(goal.components or (), cast.judge, cast.checks)
    simulator = cast.simulator.start(goal, plan.seed, plan.max_turns)
    try:
        conversation = await _converse(simulator, cast, session, tracker, plan, told)
        verdicts = await tracker.finish(conversation)
    except BaseException:
        tracker.cancel()
        raise
    return Episode(
        id=plan.id,
        goal=goal,
        trial=plan.trial,
        setting=plan.setting,
        max_turns=plan.max_turns,
        conversation=conversation,
        verdicts=verdicts,
        started=started.isoformat(timespec="milliseconds"),
        seconds=time.perf_counter() - clock,
        task=session.scores(conversation),
    )


async def _decomposed(goal: Goal, cast: RoleSet) -> Goal:
    if goal.components is not None:
        return goal
    if cast.decompose is None:
        raise UsageError(
            f"{goal.source or goal.id}: the goal has no components and no model is set to decompose it; set "
            "--ugst-judge or --ugst-decomposer to a model, or write the components"
        )
    return await cast.decompose(goal)


async def _converse(
    simulator: Simulator,
    cast: RoleSet,
    session: Session,
    tracker: GoalTracker,
    plan: EpisodeSpec,
    told: Callable[[int], None],
) -> Conversation:
    conversation = Conversation()
    while True:
        state = await tracker.state() if plan.setting.steer == "state" else None
        try:
            user = await simulator.next(_without(conversation, "agent_reasoning"), state)
            turn = Turn(user=user.text, user_reasoning=user.reasoning)
        except (ChatUnavailableError, UsageError):
            raise
        except Exception as error:  # anyone's simulator may be plugged in
            return _ended(conversation, StopReason.USER_ERROR, error=_told(error))
        if user.stop is not None:
            if user.text:
                conversation = conversation.with_turn(turn)
                tracker.turn(conversation)
            ended = _ended(conversation, user.stop)
            return ended.model_copy(update={"closing": user.closing})
        asked = conversation.with_turn(turn)
        try:
            answer = await cast.agent.respond(_without(asked, "user_reasoning"), session)
            answered = {"agent": answer.text, "tool_calls": answer.tool_calls, "agent_reasoning": answer.reasoning}
            turn = turn.model_copy(update=answered)
        except (ChatUnavailableError, UsageError):
            raise
        except Exception as error:  # anyone's agent may be plugged in
            return _ended(asked, StopReason.AGENT_ERROR, error=_told(error))
        conversation = conversation.with_turn(turn)
        tracker.turn(conversation)
        told(len(conversation.turns))
        if len(conversation.turns) >= plan.max_turns:
            return _ended(conversation, StopReason.TURN_LIMIT)


def _without(conversation: Conversation, thoughts: Literal["user_reasoning", "agent_reasoning"]) -> Conversation:
    """The conversation as the other side may see it."""
    if all(getattr(turn, thoughts) is None for turn in conversation.turns):
        return conversation
    turns = tuple(turn.model_copy(update={thoughts: None}) for turn in conversation.turns)
    return conversation.model_copy(update={"turns": turns})


def _ended(conversation: Conversation, stop: StopReason, error: str | None = None) -> Conversation:
    return conversation.model_copy(update={"stop": stop, "error": error})


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, RoleError) else f"{type(error).__name__}: {error}"
