from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from pytest_ugst.core.chat import ChatError, ChatUnavailableError
from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import AgentTurn, Session, ToolResult, ToolSpec, UserTurn
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from tests.factories import complete, make_goal, objective, once, policy
from tests.stub_roles import END, agrees, make_roles, make_spec, short_goal, speaks


def rolled(roles: RoleSet, spec: EpisodeSpec | None = None) -> Episode:
    return asyncio.run(asyncio.wait_for(run_episode(spec or make_spec(), roles), 30))


def test_the_user_ends_it_by_a_message_of_its_own() -> None:
    episode = rolled(make_roles(speaks(2)))
    conversation = episode.conversation
    assert conversation.stop is StopReason.USER_ENDED
    assert conversation.closing is not None
    assert conversation.closing.separate
    assert [(t.user, t.agent) for t in conversation.turns] == [("turn 1", "yes, turn 1"), ("turn 2", "yes, turn 2")]
    assert episode.succeeded


def test_what_was_said_beside_the_ending_is_a_turn_and_is_judged() -> None:
    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        if not conversation.turns:
            return UserTurn("hello")
        closing = Closing(text="bye, turn 1 TERMINATE", separate=False, asked=True)
        return UserTurn("bye, turn 1", reasoning="enough", stop=StopReason.USER_ENDED, closing=closing)

    episode = rolled(make_roles(speak))
    last = episode.conversation.turns[-1]
    assert (last.user, last.agent, last.user_reasoning) == ("bye, turn 1", None, "enough")
    assert episode.conversation.closing is not None
    assert not episode.conversation.closing.separate
    assert [v.turn for v in episode.verdicts] == [1, 2]
    assert episode.succeeded


def test_thoughts_are_recorded_and_neither_side_gets_to_see_the_others() -> None:
    seen: list[Conversation] = []

    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        seen.append(conversation)
        return END if len(conversation.turns) == 2 else UserTurn("hello", reasoning="user thinks")

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        seen.append(conversation)
        return AgentTurn("yes", reasoning="agent thinks")

    episode = rolled(make_roles(speak, answer))
    users, agents = seen[::2], seen[1::2]
    assert not any("agent thinks" in c.model_dump_json() for c in users)
    assert not any("user thinks" in c.model_dump_json() for c in agents)
    assert [t.user_reasoning for t in users[-1].turns] == ["user thinks"] * 2
    assert [t.agent_reasoning for t in agents[-1].turns] == ["agent thinks", None]
    assert {(t.user_reasoning, t.agent_reasoning) for t in episode.conversation.turns} == {
        ("user thinks", "agent thinks")
    }


def test_out_of_scope_is_kept_as_such() -> None:
    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        return UserTurn("", stop=StopReason.OUT_OF_SCOPE, closing=Closing(text="###OUT-OF-SCOPE###", separate=True))

    assert rolled(make_roles(speak)).conversation.stop is StopReason.OUT_OF_SCOPE


@pytest.mark.parametrize("limit", [1, 3])
def test_cut_off_at_the_turn_limit_it_is_judged_to_the_last_turn(limit: int) -> None:
    goal = make_goal("g", objective("a", complete(f"turn {limit}")), policy("b", once("turn 9")))
    episode = rolled(make_roles(speaks(99)), make_spec(goal, max_turns=limit))
    assert episode.conversation.stop is StopReason.TURN_LIMIT
    assert len(episode.conversation.turns) == limit
    assert episode.conversation.turns[-1].agent is not None
    assert [s.label for s in episode.final_state] == ["COMPLETE", "MISALIGNED"]
    assert episode.broken_off is None


@pytest.mark.parametrize(
    ("error", "told"),
    [(RoleError("the agent 'x' has no answer"), "the agent 'x' has no answer"), (ValueError("odd"), "ValueError: odd")],
)
def test_an_agent_that_fails_breaks_it_off(error: Exception, told: str) -> None:
    async def fails(conversation: Conversation, session: Session) -> AgentTurn:
        if len(conversation.turns) == 2:
            raise error
        return await agrees(conversation, session)

    goal = make_goal("g", objective("a", complete("turn 1")), objective("b", complete("turn 9")))
    episode = rolled(make_roles(speaks(5), fails), make_spec(goal))
    assert episode.conversation.stop is StopReason.AGENT_ERROR
    assert episode.conversation.error == told
    assert [(t.user, t.agent) for t in episode.conversation.turns] == [("turn 1", "yes, turn 1"), ("turn 2", None)]
    # What was reached counts; of the rest nothing can be said.
    assert [s.label for s in episode.final_state] == ["COMPLETE", "ERROR"]
    assert told in episode.explain()


def test_a_simulator_that_fails_breaks_it_off() -> None:
    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        if conversation.turns:
            raise ChatError("model 'm': 500, tried 6 times")
        return UserTurn("hello")

    episode = rolled(make_roles(speak))
    assert episode.conversation.stop is StopReason.USER_ERROR
    assert episode.conversation.error == "model 'm': 500, tried 6 times"
    assert len(episode.conversation.turns) == 1
    assert not episode.succeeded


@pytest.mark.parametrize("answer", ["just text", None, {"content": "x"}])
def test_an_agent_that_returns_something_else_is_an_agent_error(answer: Any) -> None:
    async def odd(conversation: Conversation, session: Session) -> Any:
        return answer

    episode = rolled(make_roles(answer=odd))
    assert episode.conversation.stop is StopReason.AGENT_ERROR


def test_a_simulator_that_returns_something_else_is_a_user_error() -> None:
    async def odd(conversation: Conversation, state: GoalState | None) -> Any:
        return "just text"

    assert rolled(make_roles(odd)).conversation.stop is StopReason.USER_ERROR


@pytest.mark.parametrize("error", [ChatUnavailableError("no server"), UsageError("no such tool support")])
@pytest.mark.parametrize("who", ["user", "agent"])
def test_what_no_other_episode_would_survive_is_no_episode(error: Exception, who: str) -> None:
    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        if who == "user":
            raise error
        return UserTurn("hello")

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        raise error

    with pytest.raises(type(error), match=str(error)):
        rolled(make_roles(speak, answer))


def test_neither_side_sees_what_the_other_thinks() -> None:
    heard: list[Conversation] = []

    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        return UserTurn("turn 1", reasoning="secret plan") if not conversation.turns else END

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        heard.append(conversation)
        call = ToolCall(id="1", name="look", arguments={"a": 1}, result="[]")
        return AgentTurn("ok", (call,), "secret thoughts")

    (turn,) = rolled(make_roles(speak, answer)).conversation.turns
    assert (turn.user_reasoning, turn.agent_reasoning) == ("secret plan", "secret thoughts")
    assert turn.tool_calls[0].name == "look"
    assert heard[0].turns[-1].agent is None


class Shop:
    """A domain that notes who opens it."""

    name = "shop"

    def __init__(self) -> None:
        self.opened: list[tuple[str, int]] = []

    def open(self, goal: Goal, seed: int) -> Session:
        self.opened.append((goal.id, seed))
        return Counter()


class Counter:
    policy = "Be kind."
    tools: Sequence[ToolSpec] = ()

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.calls = 0

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.calls += 1
        return ToolResult(str(self.calls))

    def scores(self, conversation: Conversation) -> dict[str, float]:
        return {"calls": float(self.calls)}


def test_every_episode_has_a_session_of_its_own_and_is_scored() -> None:
    shop = Shop()

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        assert session.notes["seed"] == spec.seed
        return AgentTurn(session.call("count", {}).text)

    roles = make_roles(speaks(3), answer)
    roles = RoleSet(roles.simulator, roles.agent, roles.judge, roles.checks, lambda name: shop)
    spec = make_spec(short_goal("g", domain="shop"))
    first, second = rolled(roles, spec), rolled(roles, spec)
    assert [t.agent for t in second.conversation.turns] == ["1", "2", "3"]
    assert first.task == second.task == {"calls": 3.0}
    assert shop.opened == [("g", spec.seed)] * 2


def test_the_seed_depends_on_goal_and_trial_alone() -> None:
    seeds = {make_spec(short_goal(name), trial=trial).seed for name in ("a", "b") for trial in (1, 2)}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert make_spec(short_goal("a"), max_turns=3).seed == make_spec(short_goal("a"), max_turns=9).seed


def test_a_goal_without_components_is_decomposed_first() -> None:
    bare = Goal(id="g", text="You want tea.")

    async def decompose(goal: Goal) -> Goal:
        return goal.model_copy(update={"components": (objective("tea", complete("turn 2")),)})

    roles = make_roles(speaks(2))
    roles = RoleSet(roles.simulator, roles.agent, roles.judge, roles.checks, roles.domain, decompose)
    episode = rolled(roles, make_spec(bare))
    assert [c.id for c in episode.components] == ["tea"]
    assert episode.succeeded


def test_a_goal_without_components_needs_someone_to_decompose_it() -> None:
    with pytest.raises(UsageError, match=r"no components and no model .*--ugst-decomposer"):
        rolled(make_roles(), make_spec(Goal(id="g", text="You want tea.")))


def test_the_episode_says_when_and_how_long() -> None:
    episode = rolled(make_roles())
    assert datetime.fromisoformat(episode.started).tzinfo is not None
    assert episode.seconds > 0
    assert (episode.id, episode.trial, episode.max_turns) == ("g", 1, 10)
