"""The smallest loop that plays a goal: simulator, agent, domain, checks. For tests of the simulators alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from pytest_ugst.agents import rules
from pytest_ugst.config.options import DEFAULT_MAX_TURNS
from pytest_ugst.core.chat import Chat
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Agent
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.core.status import Category
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.domains import concierge
from pytest_ugst.goals.shipped import shipped_goals
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.simulators.agenda import make


def context() -> RoleContext:
    """A context for roles that need no model."""

    def no_model(name: str, role: str) -> Chat:
        raise AssertionError(f"the {role} asked for the model {name}")

    return RoleContext(chat=no_model)


def shipped(split: str) -> list[Goal]:
    """The goals of one part."""
    return list(shipped_goals(f"concierge_{split}.goal.yaml"))


async def _play(
    goal: Goal, argument: str | None, seed: int, steer: bool, agent: Agent
) -> tuple[Conversation, GoalState]:
    limit = goal.max_turns or DEFAULT_MAX_TURNS
    simulator = make(argument, context()).start(goal, seed, limit)
    session = concierge.load().open(goal, seed)
    judge = ChecksJudge()
    components = goal.components or ()
    heard = Conversation()
    verdicts: list[Verdict] = []
    stop, closing = StopReason.TURN_LIMIT, None
    for number in range(1, limit + 2):
        state = GoalState.fold(components, verdicts, len(heard.turns)) if steer else None
        said = await simulator.next(heard, state)
        if said.stop is not None or number > limit:
            stop, closing = said.stop or StopReason.TURN_LIMIT, said.closing
            if not said.text or number > limit:
                break
        turn = Turn(user=said.text, user_reasoning=said.reasoning)
        if said.stop is None:
            answer = await agent.respond(heard.with_turn(turn), session)
            turn = turn.model_copy(update={"agent": answer.text, "tool_calls": answer.tool_calls})
        heard = heard.with_turn(turn)
        verdicts += judge.verdicts(components, heard, number)
        if said.stop is not None:
            break
    heard = heard.model_copy(update={"stop": stop, "closing": closing})
    verdicts += judge.finish(components, heard)
    return heard, GoalState.fold(components, verdicts, len(heard.turns))


def play(
    goal: Goal, argument: str | None = None, seed: int = 0, *, steer: bool = False, agent: Agent | None = None
) -> tuple[Conversation, GoalState]:
    """Play one goal to its end: the conversation, and the goal state after it."""
    return asyncio.run(_play(goal, argument, seed, steer, agent or rules.make(None, context())))


def rates(states: Iterable[GoalState]) -> dict[Category, float]:
    """Success in percent, pooled over all sub-components of a category."""
    kept: Counter[Category] = Counter()
    every: Counter[Category] = Counter()
    for state in states:
        for part in state:
            every[part.category] += 1
            kept[part.category] += part.succeeded
    return {category: 100 * kept[category] / every[category] for category in Category if every[category]}
