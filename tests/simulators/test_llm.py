"""The LLM simulator: what the model is shown, and what of its answer is heard."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.chat import ChatError
from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import UserTurn
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.adapt import as_simulator
from pytest_ugst.simulators.llm import LlmSimulatorFactory, describe, make_llm_simulator
from tests.factories import ONE_OF_EACH, make_conversation, make_goal, make_turn, verdict
from tests.scripted_chat import ScriptedChat, reply

GOAL = make_goal("g", *ONE_OF_EACH, text="You are Ann. Book $5 {cheap} room for two, near the sea if possible.")
TALK = make_conversation(
    make_turn("A room, please.", "Where?", user_reasoning="SECRET one"),
    make_turn("By the sea, please.", "How many people?", user_reasoning="SECRET two"),
)


def state(*verdicts: Verdict, turns: int = 0) -> GoalState:
    return GoalState.fold(GOAL.components or (), verdicts, turns)


def play(chat: ScriptedChat, talk: Conversation = TALK, steer: str = "none", reasoning: bool = False) -> UserTurn:
    simulator = LlmSimulatorFactory(chat, Prompts.load(), steer, reasoning).start(GOAL, 7, 10)
    return asyncio.run(simulator.next(talk, state() if steer == "state" else None))


def test_roles_are_swapped_and_the_chat_opens_with_a_greeting() -> None:
    chat = ScriptedChat("For two.")
    assert play(chat) == UserTurn("For two.")
    (messages,) = chat.requests
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [m["content"] for m in messages[2:]] == [
        "A room, please.",
        "Where?",
        "By the sea, please.",
        "How many people?",
    ]
    assert GOAL.text in messages[0]["content"]
    assert "10 messages" in messages[0]["content"]
    assert "20 in all" in messages[0]["content"]
    assert "SECRET" not in str(messages)
    assert chat.options[0]["sampling"] == {"seed": 7}


def test_steering_by_goal_repeats_the_goal_in_the_last_message_only() -> None:
    chat = ScriptedChat("For two.")
    play(chat, steer="goal")
    plain = ScriptedChat("For two.")
    play(plain)
    assert chat.requests[0][:-1] == plain.requests[0][:-1]
    last = chat.requests[0][-1]["content"]
    assert last.startswith("How many people?\n\n")
    assert GOAL.text in last


def test_steering_by_state_shows_every_status_and_keeps_the_prefix() -> None:
    prompts = Prompts.load()
    simulator = LlmSimulatorFactory(ScriptedChat("x"), prompts, "state").start(GOAL, 1, 10)
    said = [
        verdict("task-1", 1, "ATTEMPTED"),
        verdict("profile-1", 1, "MISALIGNED"),
        verdict("policy-1", 1, None, error="the judge is ill"),
    ]
    first = simulator.messages(TALK.up_to(1), state(*said, turns=1))
    second = simulator.messages(TALK, state(*said, turns=1))
    block = str(first[-1].get("content"))
    for words in (
        "(MISALIGNED) You are Ann.",
        "(UNKNOWN) Say please.",
        "(ATTEMPTED) Book a room.",
        "number 2 of at most 10",
    ):
        assert words in block
    assert "(requirement, UNKNOWN) For two." in block
    assert first[:-1] == second[: len(first) - 1]
    # What the agent said comes first in the last message, so that its words are part of the prefix of the next request.
    assert block.startswith("Where?")
    assert str(second[len(first) - 1].get("content")) == "Where?"


def test_the_state_is_told_in_the_order_of_the_goal() -> None:
    assert describe(state()) == "\n".join(
        [
            "Who you are:",
            "- (ALIGNED) You are Ann.",
            "Your rules:",
            "- (ALIGNED) Say please.",
            "Your tasks:",
            "- (INCOMPLETE) Book a room.",
            "  - (requirement, INCOMPLETE) For two.",
            "  - (preference, MISALIGNED) Near the sea.",
        ]
    )
    assert describe(GoalState.initial(GOAL.components or ())) == describe(state())


def test_steering_by_state_without_a_state_is_an_error_and_not_a_silent_fallback() -> None:
    simulator = LlmSimulatorFactory(ScriptedChat("x"), Prompts.load(), "state").start(GOAL, 1, 10)
    with pytest.raises(RoleError, match="needs a goal state"):
        asyncio.run(simulator.next(TALK, None))


@pytest.mark.parametrize(
    ("answer", "separate", "rest", "asked"),
    [
        ("Terminate.", True, "", False),
        ("Thanks! Terminate.", False, "Thanks!", False),
        ("Really? Terminate.", False, "Really?", True),
    ],
)
def test_ending(answer: str, separate: bool, rest: str, asked: bool) -> None:
    turn = play(ScriptedChat(f"<think>done</think>{answer}"))
    assert turn.stop is StopReason.USER_ENDED
    assert turn.text == rest
    assert turn.closing is not None
    assert (turn.closing.separate, turn.closing.asked, turn.closing.before_reply) == (separate, asked, False)
    assert turn.closing.text == answer
    assert turn.closing.reasoning == turn.reasoning == "done"
    early = play(ScriptedChat(answer), Conversation())
    assert early.closing is not None
    assert early.closing.before_reply


def test_out_of_scope_stops_for_that_reason() -> None:
    turn = play(ScriptedChat("###OUT-OF-SCOPE###"))
    assert turn.stop is StopReason.OUT_OF_SCOPE


def test_reasoning_mode_asks_for_thoughts_and_keeps_them_apart() -> None:
    chat = ScriptedChat("<think>Ann is polite. SECRET</think>\nFor two, please.")
    turn = play(chat, reasoning=True)
    assert turn == UserTurn("For two, please.", "Ann is polite. SECRET")
    assert "<think>" in chat.requests[0][0]["content"]
    plain = ScriptedChat("x")
    play(plain)
    assert "<think>" not in plain.requests[0][0]["content"]


@pytest.mark.parametrize(
    "answer", ["<think>SECRET</think>Hi", "SECRET</think>Hi", "Hi<think>SECRET", "<think></think>Hi<think>SECRET"]
)
def test_thoughts_nobody_asked_for_are_not_heard_either(answer: str) -> None:
    turn = play(ScriptedChat(answer))
    assert turn.text == "Hi"
    assert turn.reasoning == "SECRET"


def test_reasoning_in_a_field_of_the_servers_is_kept() -> None:
    assert play(ScriptedChat(reply("Hi", reasoning="SECRET"))) == UserTurn("Hi", "SECRET")


@pytest.mark.parametrize("empty", ["", "  \n", "<think>nothing but thoughts", "Agent:", "<think>a</think>"])
def test_an_empty_answer_is_asked_again_once(empty: str) -> None:
    chat = ScriptedChat(empty, "For two.")
    assert play(chat).text == "For two."
    first, second = chat.requests
    assert second != first
    assert second[:-1] == first[:-1]
    chat = ScriptedChat(empty)
    with pytest.raises(RoleError, match="said nothing, asked twice"):
        play(chat)
    assert len(chat.requests) == 2


def test_running_out_of_tokens_while_thinking_is_named() -> None:
    with pytest.raises(RoleError, match="token limit"):
        play(ScriptedChat(reply("<think>hm", finish="length")))


def test_a_broken_model_is_the_callers_to_handle() -> None:
    with pytest.raises(ChatError):
        play(ScriptedChat(ChatError("gone")))


tags = st.sampled_from(
    ["<think>", "</think>", "User:", "Agent:", "\n", "Terminate.", "###STOP###", "<|im_end|>", "words", "?", " "]
)


@given(st.lists(tags, max_size=10).map(" ".join))
def test_hostile_answers_never_leak_what_was_thought(noise: str) -> None:
    for answer in (f"<think>WITHHELD</think>{noise}", f"WITHHELD</think>{noise}", f"{noise}<think>WITHHELD"):
        try:
            turn = play(ScriptedChat(answer))
        except RoleError:
            continue
        assert "WITHHELD" not in turn.text
        assert turn.closing is None or "WITHHELD" not in turn.closing.text
        assert (turn.stop is None) == (turn.closing is None)
        assert turn.text or turn.stop


def test_made_from_a_context(tmp_path: Path) -> None:
    (tmp_path / "simulator_greeting.md").write_text("<!-- version: x -->\nAhoy", encoding="utf-8")

    def no_chat(model: str, role: str) -> Any:
        raise AssertionError

    chat = ScriptedChat("Hi")
    factory = make_llm_simulator(chat, RoleContext(chat=no_chat, steer="goal", prompts=tmp_path))
    assert factory.name == "scripted"
    asyncio.run(factory.start(GOAL, 1, 3).next(Conversation(), None))
    assert chat.requests[0][1]["content"].startswith("Ahoy\n\n")
    with pytest.raises(UsageError, match="choose one of none, goal, state"):
        make_llm_simulator(chat, RoleContext(chat=no_chat, steer="maybe"))


def test_functions_play_users_too() -> None:
    async def later(messages: list[dict[str, Any]], goal: Goal) -> str:
        return f"{goal.id} {len(messages)} <think>SECRET</think>"

    def now(messages: list[dict[str, Any]], goal: Goal) -> str:
        assert messages[0] == {"role": "user", "content": "A room, please."}
        return "Bye. Terminate."

    simulator = as_simulator(later)
    assert simulator.name == "later"
    assert asyncio.run(simulator.start(GOAL, 1, 10).next(TALK, None)) == UserTurn("g 4", "SECRET")
    turn = asyncio.run(as_simulator(now, "mine").start(GOAL, 1, 10).next(TALK, None))
    assert turn.stop is StopReason.USER_ENDED
    factory = LlmSimulatorFactory(ScriptedChat("x"), Prompts.load())
    assert as_simulator(factory) is factory


@pytest.mark.parametrize("value", [None, 3, "gpt", LlmSimulatorFactory, lambda: "hi"])
def test_anything_else_is_no_simulator(value: object) -> None:
    with pytest.raises(UsageError, match="is no simulator: give"):
        as_simulator(value)


@pytest.mark.parametrize(
    ("said", "told"), [(3, "returned int"), ("", "said nothing"), (ValueError("oh"), "ValueError: oh")]
)
def test_what_a_function_does_wrong_is_said(said: object, told: str) -> None:
    def simulator(messages: object, goal: object) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    with pytest.raises(RoleError, match=told):
        asyncio.run(as_simulator(simulator).start(GOAL, 1, 10).next(TALK, None))
