"""The agenda simulator: whole conversations with the rule-based agent, and the corners of the protocol."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_ugst.agents import rules
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Agent, AgentTurn, Session, Simulator, SimulatorFactory, UserTurn
from pytest_ugst.core.status import Category, Status
from pytest_ugst.simulators.agenda import make
from tests.factories import make_component, make_goal, objective
from tests.simulators.agenda.agenda_rollout import context, play, rates, shipped

TEST = shipped("test")


def by_id(name: str) -> Goal:
    return next(goal for goal in TEST if goal.id == name)


def said(conversation: Conversation) -> str:
    return "\n".join(turn.user for turn in conversation.turns)


def test_it_is_a_simulator() -> None:
    factory = make(None, context())
    assert isinstance(factory, SimulatorFactory)
    assert factory.name == "agenda"
    assert isinstance(factory.start(TEST[0], 0, 10), Simulator)
    assert make("confusion@0.5", context()).name == "agenda:confusion@0.5"


@pytest.mark.parametrize("split", ["test", "train"])
def test_it_plays_the_shipped_goals(split: str) -> None:
    played = [play(goal, seed=seed) for goal in shipped(split) for seed in (0, 1)]
    reached = rates(state for _, state in played)
    assert min(reached.values()) >= 99, reached
    assert all(conversation.stop is StopReason.USER_ENDED for conversation, _ in played)
    lengths = [len(conversation.turns) for conversation, _ in played]
    assert 4 <= sum(lengths) / len(lengths) <= 9
    assert all(turn.user_reasoning is None for conversation, _ in played for turn in conversation.turns)


def test_the_same_seed_says_the_same_and_another_one_something_else() -> None:
    goals = TEST[:6]
    once = [said(play(goal, seed=3)[0]) for goal in goals]
    assert once == [said(play(goal, seed=3)[0]) for goal in goals]
    assert once != [said(play(goal, seed=4)[0]) for goal in goals]


def test_it_ends_with_a_message_of_its_own_after_an_answer() -> None:
    conversation, _ = play(TEST[0])
    assert conversation.closing is not None
    assert conversation.closing.text == "TERMINATE"
    assert conversation.closing.separate
    assert not conversation.closing.asked
    assert conversation.turns[-1].agent
    assert "TERMINATE" not in said(conversation)


def test_it_gives_preferences_up_and_goes_on_after_an_impossible_subgoal() -> None:
    conversation, state = play(by_id("sunday-lunch-party"))
    assert re.search(r"Never mind the outdoor seating|Any price is fine", said(conversation))
    assert state["task-1"].status is Status.COMPLETE
    _, state = play(by_id("no-korean-tonight"))
    assert state["task-1"].status is Status.ATTEMPTED
    assert state["task-2"].status is Status.COMPLETE


def test_it_follows_conditions_both_ways() -> None:
    taken, _ = play(by_id("film-or-park"))
    assert "cinema" in taken.turns[0].user
    assert "park" in said(taken)
    other, _ = play(by_id("castle-affordable"))
    assert "market" not in said(other)


def test_it_steers_by_the_goal_state_just_as_well() -> None:
    states = [play(goal, steer=True)[1] for goal in TEST]
    assert min(rates(states).values()) >= 99


def slotted(*, profile: dict[str, Any] | None = None, **slots: Any) -> Goal:
    parts = [objective("task-1", slots=slots)]
    if profile:
        parts.append(make_component("profile", "profile-1", slots=profile))
    return make_goal("g", *parts)


def answers(goal: Goal, replies: Sequence[str], limit: int = 10) -> list[UserTurn]:
    """Return the agenda's answers to a sequence of fixed replies."""

    async def talk() -> list[UserTurn]:
        simulator = make(None, context()).start(goal, 1, limit)
        conversation, turns = Conversation(), []
        for reply in [*replies, ""]:
            turns.append(await simulator.next(conversation, None))
            if turns[-1].stop is not None:
                break
            conversation = conversation.with_turn(Turn(user=turns[-1].text, agent=reply))
        return turns

    return asyncio.run(talk())


def test_it_answers_what_it_is_asked() -> None:
    goal = slotted(kind="hotel", intent="book", want={"area": "north", "people": 2, "day": "friday", "nights": 3})
    turns = answers(goal, ["Of course. For how many people, how many nights and from which day?"])
    assert "for 2 people for 3 nights from Friday" in turns[1].text.replace("For", "for")


def test_it_says_honestly_what_it_does_not_know() -> None:
    goal = slotted(kind="restaurant", intent="book", want={"cuisine": "thai"})
    turns = answers(goal, ["Could you give me your card number, please?", "And which area do you want?"])
    assert re.search(r"(do not|don't) have", turns[1].text)
    assert not re.search(r"\d{4}", turns[1].text)
    assert "Any area is fine." in turns[2].text


def test_it_gives_its_name_when_asked() -> None:
    goal = slotted(profile={"name": "Mira Tolland"}, kind="restaurant", intent="book", want={"cuisine": "thai"})
    assert "Mira Tolland" in answers(goal, ["Under which name shall I book it?"])[1].text


def test_it_refuses_a_place_that_lacks_what_has_to_be_there() -> None:
    goal = slotted(kind="hotel", intent="book", want={"parking": True, "people": 1, "day": "friday", "nights": 1})
    turns = answers(goal, ["I suggest Finch House; it has no parking. Shall I book it?"])
    assert "must have parking" in turns[1].text


def test_it_gives_up_an_agent_that_never_understands() -> None:
    goal = slotted(kind="restaurant", intent="find", want={"area": "north"})
    turns = answers(goal, ["I'm sorry, I didn't catch that."] * 8)
    assert turns[-1].stop is StopReason.USER_ENDED
    assert len(turns) <= 6


def test_it_respects_the_turn_budget() -> None:
    class Deaf:
        name = "deaf"

        async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
            return AgentTurn("Interesting. Do go on.")

    for limit in (1, 2, 3):
        goal = TEST[0].model_copy(update={"max_turns": limit})
        conversation, _ = play(goal, agent=Deaf())
        assert len(conversation.turns) <= limit


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (make_goal(), r"goal 'g': .*components with slots.*--ugst-sim=MODEL"),
        (Goal(id="g", text="Do it.", components=()), "at least one task objective"),
        (slotted(), "task-1 has no slots.*give its components slots"),
        (slotted(kind="boat"), "kind is 'boat'; use one of restaurant, hotel, attraction, train"),
        (slotted(kind="hotel", intent="buy"), "intent is 'buy'; use one of find, book, change, cancel"),
        (slotted(kind="hotel", intent="cancel"), "takes its reference"),
        (slotted(kind="hotel", colour="red"), "unknown colour"),
        (slotted(kind="hotel", want={"cuisine": "thai"}), "a hotel has no cuisine"),
        (slotted(kind="hotel", want=["north"]), "want takes names and values"),
        (slotted(kind="hotel", ask="phone"), "ask takes a list of facts"),
        (slotted(kind="hotel", condition={"full": True}), "condition and alternative go together"),
    ],
)
def test_a_goal_it_can_not_play_is_a_usage_error(goal: Goal, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make(None, context()).start(goal, 0, 10)


def test_an_unknown_behaviour_is_a_usage_error() -> None:
    goal = slotted(kind="hotel")
    policy = make_component("policy", "policy-1", slots={"behaviour": "sing"})
    goal = goal.model_copy(update={"components": (*(goal.components or ()), policy)})
    with pytest.raises(UsageError, match=r"unknown behaviour 'sing'; known: .*say_please"):
        make(None, context()).start(goal, 0, 10)


def test_a_steered_agenda_leaves_out_what_is_done() -> None:
    goal = by_id("three-errands")
    state = GoalState.initial(goal.components or ())
    done = tuple(
        type(part)(part.component, Status.COMPLETE if part.component.id.startswith("task-1") else part.status)
        if part.category is not Category.PREFERENCE
        else type(part)(part.component, Status.ALIGNED)
        for part in state
    )
    first = asyncio.run(make(None, context()).start(goal, 0, 10).next(Conversation(), GoalState(done)))
    assert "Japanese" in first.text


class Chatty:
    """The rule-based agent in the words of another one."""

    name = "chatty"
    _words: Sequence[tuple[str, str]] = (
        (r"Shall I book it(?: for you)?\?", "Would you like me to go ahead and reserve it?"),
        (r"Done, it is booked:", "Great news! I've **reserved** that for you:"),
        (r"Your reference is (\S+)\.", r"Booking reference: **\1**."),
        (r"I'd suggest ([^.]*)\.", r"I found a lovely option for you:\n\n1. **\1**\n\n"),
        (r"I'm sorry, I can't find any ([^:]*):[^.]*\.", r"Unfortunately, there is no \1 available right now."),
        (r"has been changed:", "was successfully updated:"),
        (r"is cancelled:", "has been canceled, as you wished:"),
        (
            r"On what day, at what time and for how many people shall I book it\?",
            "Please provide:\n- Date\n- Time\n- Party size",
        ),
        (r"Is there anything else I can do for you\?", "Let me know if there's anything else!"),
    )

    def __init__(self) -> None:
        self._agent: Agent = rules.make(None, context())

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        answer = await self._agent.respond(conversation, session)
        text = answer.text
        for pattern, other in self._words:
            text = re.sub(pattern, other, text)
        return AgentTurn(text, answer.tool_calls)


def test_it_understands_an_agent_with_other_words() -> None:
    played = [play(goal, agent=Chatty()) for goal in TEST]
    assert any("reserved" in (turn.agent or "") for conversation, _ in played for turn in conversation.turns)
    assert min(rates(state for _, state in played).values()) >= 97
    assert all(conversation.stop is StopReason.USER_ENDED for conversation, _ in played)
