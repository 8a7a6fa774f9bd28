"""Examples: what is trained is what is played."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Closing, Conversation, Turn
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.llm import LlmSimulator, read_utterance
from pytest_ugst.trainers.data.examples import FINAL_WORD, completion_text, examples_of
from pytest_ugst.trainers.data.reasoning_traces import write_reasoning
from pytest_ugst.trainers.grpo.reward.completions import parse_completion
from tests.trainers.supper_episodes import GOAL, SAID, judged, supper, thinking

PROMPTS = Prompts.load()


def played_prompts(episode: Any) -> list[list[dict[str, str]]]:
    """Return what an unsteered simulator that thinks is asked in play, turn by turn, the last time to end."""
    simulator = LlmSimulator(cast(Any, None), PROMPTS, episode.goal, 0, episode.max_turns, "none", True)
    turns = episode.conversation.turns
    return [cast(Any, simulator.messages(Conversation(turns=turns[:n]), None)) for n in range(len(turns) + 1)]


def test_the_prompt_is_the_unsteered_one_of_play() -> None:
    episode = supper()
    rows = list(examples_of(episode, PROMPTS))
    assert [[m.model_dump() for m in row.prompt] for row in rows] == played_prompts(episode)
    assert [row.turn for row in rows] == [1, 2, 3]


def test_the_last_row_teaches_to_end() -> None:
    last = list(examples_of(supper(), PROMPTS))[-1]
    ended = read_utterance(last.completion_text, None, supper().conversation)
    assert ended is not None
    assert ended.stop is not None
    assert ended.closing is not None
    assert ended.closing.separate
    assert last.completion_text.endswith(f"\n\n{FINAL_WORD}")


def test_an_ending_in_the_same_breath_is_what_was_said() -> None:
    closing = Closing(text="Thanks. TERMINATE", separate=False)
    rows = list(examples_of(supper(closing=closing), PROMPTS))
    assert [row.turn for row in rows] == [1, 2]
    assert rows[-1].completion_text.endswith("Thanks. TERMINATE")


def test_a_cut_off_conversation_teaches_no_ending() -> None:
    assert [row.turn for row in examples_of(supper(closing=None), PROMPTS)] == [1, 2]


def test_whose_reasoning_it_is() -> None:
    own = completion_text("I thought.", SAID[0])
    rule_based, model = supper(), thinking(supper())
    assert next(examples_of(rule_based, PROMPTS)).completion_text != own
    assert next(examples_of(model, PROMPTS)).completion_text == own
    assert next(examples_of(model, PROMPTS, "written")).completion_text != own
    assert next(examples_of(rule_based, PROMPTS, "recorded")).completion_text == own
    bare = next(examples_of(rule_based, PROMPTS, "none"))
    assert bare.completion_text == SAID[0]
    assert "<think>" not in bare.prompt[0].content


def test_recorded_reasoning_that_is_missing_or_holds_tags_gives_no_row() -> None:
    for thought in (None, " ", "a </think> b"):
        turns = tuple(Turn(user=text, agent="Done.", user_reasoning=thought) for text in SAID)
        episode = supper(conversation=Conversation(turns=turns))
        assert list(examples_of(episode, PROMPTS, "recorded")) == []


def test_equal_seeds_write_equal_reasoning() -> None:
    def texts(seed: int) -> list[str]:
        return [row.completion_text for row in examples_of(supper(), PROMPTS, "written", seed)]

    assert texts(0) == texts(0)
    assert any(texts(0) != texts(seed) for seed in range(1, 9))


def test_every_target_is_well_formed() -> None:
    for row in examples_of(supper(), PROMPTS):
        assert parse_completion(row.completion_text, Conversation()).format_error is None


# Reasoning that is written


def trace(state: GoalState, text: str, *, ends: bool = False, before: int = 0) -> str:
    turns = tuple(Turn(user=t, agent="Done.") for t in SAID[:before])
    return write_reasoning(state, Conversation(turns=turns), text, ends, 10, random.Random(0))


def state(*verdicts: Any, turns: int = 1) -> GoalState:
    return GoalState.fold(GOAL.components or (), verdicts, turns)


def test_reasoning_tells_what_is_next_what_is_said_and_what_waits() -> None:
    text = trace(GoalState.initial(GOAL.components or ()), "A table for 2 in the east, please.")
    assert "book supper" in text
    assert "for two in the east" in text  # 2 is two
    assert "10 messages" in text
    assert "find a museum" in text
    assert "you never shout" in text


def test_reasoning_tells_what_is_done_and_what_was_refused() -> None:
    held = judged("shout", 1, "ALIGNED")
    text = trace(
        state(held, judged("supper", 1, "COMPLETE"), judged("two", 1, "COMPLETE"), judged("museum", 1, "INCOMPLETE")),
        "Is there a museum?",
        before=1,
    )
    done, rest = text.split("book supper")
    assert "one" in done or "Finished" in done
    assert "find a museum" in rest
    refused = trace(
        state(held, judged("supper", 1, "ATTEMPTED"), judged("two", 1, "ATTEMPTED"), judged("museum", 1, "INCOMPLETE")),
        "Is there a museum?",
        before=1,
    )
    assert any(word in refused for word in ("Not possible: book supper", "Tried in vain: book supper"))


@pytest.mark.parametrize("finished", [True, False])
def test_reasoning_before_the_end(finished: bool) -> None:
    status = "COMPLETE" if finished else "INCOMPLETE"
    parts = [judged(part, 1, status) for part in ("supper", "two", "museum")]
    text = trace(state(judged("shout", 1, "ALIGNED"), *parts), FINAL_WORD, ends=True, before=1)
    assert any(word in text for word in ("settled", "No part is open")) == finished
    assert "word" in text


@pytest.mark.parametrize(
    ("heard", "text", "start"),
    [
        ("It is booked. Your reference is CQ-1. Anything else?", "Is there a museum?", "The agent has done it."),
        ("Shall I book it for you?", "Yes, please.", "The agent offers something and I take it."),
        ("Shall I book it for you?", "No, something else.", "The agent offers something, but I want something else."),
        (
            "I can't find any museum.",
            "Then without the garden.",
            "The agent found nothing, so I change what I ask for.",
        ),
        ("For how many people?", "Two.", "The agent asks something."),
        ("The fee is 3 crowns. Anything else?", "Book supper.", "The agent has told me."),
    ],
)
def test_reasoning_begins_with_what_the_agent_did(heard: str, text: str, start: str) -> None:
    before = Conversation(turns=(Turn(user="Hello.", agent=heard),))
    written = write_reasoning(GoalState.initial(GOAL.components or ()), before, text, False, 10, random.Random(0))
    assert written.startswith(start)


@given(st.text(max_size=80), st.booleans(), st.integers(0, 2))
def test_reasoning_is_one_line_without_tags(text: str, ends: bool, before: int) -> None:
    written = trace(GoalState.initial(GOAL.components or ()), text, ends=ends, before=before)
    assert "\n" not in written
    assert "<" not in written
    assert written == written.strip()
    assert len(written.split()) < 90
