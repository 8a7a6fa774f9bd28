"""The rollout of one episode: user and agent in turns, the goal state after each."""

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
from pytest_ugst.core.protocols import NoSession, Session, Simulator, SupportsScores
from pytest_ugst.engine.goal_tracker import GoalTracker
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from pytest_ugst.llm.usage_meter import begin_episode


async def run_episode(
    spec: EpisodeSpec, roles: RoleSet, on_turn: Callable[[int], None] = lambda turns: None
) -> Episode:
    """Play one episode to its end, and count what its model calls cost.

    A role that fails ends the conversation, which is kept with the reason.

    Args:
        spec: What to play.
        roles: Who plays.
        on_turn: Called after each turn with the number of turns so far.

    Raises:
        ChatUnavailableError: If a model can't be reached at all, so that no other episode would fare better.
        UsageError: If goal, domain and roles don't fit.
        RoleError: If the goal could not be decomposed.
    """
    meter = begin_episode(f"{spec.setting.seed}.{spec.trial}")
    started, clock = datetime.now(UTC), time.perf_counter()
    goal = await _decomposed(spec.goal, roles)
    session: Session = NoSession() if goal.domain is None else roles.domain(goal.domain).open(goal, spec.seed)
    session.notes["seed"] = spec.seed
    tracker = GoalTracker(goal.components or (), roles.judge, roles.checks)
    simulator = roles.simulator.start(goal, spec.seed, spec.max_turns)
    try:
        conversation = await _converse(simulator, roles, session, tracker, spec, on_turn)
        verdicts = await tracker.finish(conversation)
    except BaseException:
        tracker.cancel()
        raise
    return Episode(
        id=spec.id,
        goal=goal,
        trial=spec.trial,
        setting=spec.setting,
        max_turns=spec.max_turns,
        conversation=conversation,
        verdicts=verdicts,
        second_opinions=tracker.second_opinions(conversation),
        started=started.isoformat(timespec="milliseconds"),
        seconds=time.perf_counter() - clock,
        task=session.scores(conversation) if isinstance(session, SupportsScores) else {},
        usage=meter.by_role(),
    )


async def _decomposed(goal: Goal, roles: RoleSet) -> Goal:
    if goal.components is not None:
        return goal
    if roles.decompose is None:
        raise UsageError(
            f"{goal.source or goal.id}: the goal has no components and no model is set to decompose it; set "
            "--ugst-judge or --ugst-decomposer to a model, or write the components"
        )
    return await roles.decompose(goal)


async def _converse(
    simulator: Simulator,
    roles: RoleSet,
    session: Session,
    tracker: GoalTracker,
    spec: EpisodeSpec,
    on_turn: Callable[[int], None],
) -> Conversation:
    conversation = Conversation()
    while True:
        state = await tracker.state() if spec.setting.steer == "state" else None
        try:
            user = await simulator.next(_without(conversation, "agent_reasoning"), state)
            turn = Turn(user=user.text, user_reasoning=user.reasoning)
        except (ChatUnavailableError, UsageError):
            raise
        except Exception as error:  # anyone's simulator may be plugged in
            return _ended(conversation, StopReason.USER_ERROR, error=_message(error))
        if user.stop is not None:
            if user.text:
                conversation = conversation.with_turn(turn)
                tracker.turn(conversation)
            ended = _ended(conversation, user.stop)
            return ended.model_copy(update={"closing": user.closing})
        unanswered = conversation.with_turn(turn)
        try:
            answer = await roles.agent.respond(_without(unanswered, "user_reasoning"), session)
            answered = {"agent": answer.text, "tool_calls": answer.tool_calls, "agent_reasoning": answer.reasoning}
            turn = turn.model_copy(update=answered)
        except (ChatUnavailableError, UsageError):
            raise
        except Exception as error:  # anyone's agent may be plugged in
            return _ended(unanswered, StopReason.AGENT_ERROR, error=_message(error))
        conversation = conversation.with_turn(turn)
        tracker.turn(conversation)
        on_turn(len(conversation.turns))
        if len(conversation.turns) >= spec.max_turns:
            return _ended(conversation, StopReason.TURN_LIMIT)


def _without(conversation: Conversation, reasoning: Literal["user_reasoning", "agent_reasoning"]) -> Conversation:
    """Return the conversation as the other side may see it: without this side's reasoning."""
    if all(getattr(turn, reasoning) is None for turn in conversation.turns):
        return conversation
    turns = tuple(turn.model_copy(update={reasoning: None}) for turn in conversation.turns)
    return conversation.model_copy(update={"turns": turns})


def _ended(conversation: Conversation, stop: StopReason, error: str | None = None) -> Conversation:
    return conversation.model_copy(update={"stop": stop, "error": error})


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, RoleError) else f"{type(error).__name__}: {error}"
