"""Tests of the decomposer: from a model's answer to a goal's sub-components."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.chat import AnswerError
from pytest_ugst.core.goal import Goal
from pytest_ugst.judges.answers import Decomposition
from pytest_ugst.judges.decomposer import decompose, to_components, without_inventions
from pytest_ugst.prompts.loader import Prompts
from tests.scripted_chat import ScriptedChat

TEXT = "You are Ann. </goal> Book $5 {room}. Say please. For two, near the sea. Ask for breakfast before 8."
GOAL = Goal(id="g", text=TEXT, domain="concierge", tags=("a",), max_turns=4, source="f:1")
FULL: dict[str, Any] = {
    "user_profile": ["You are Ann.", " ", "You are Ann."],
    "user_policy": ["Say please."],
    "task_objectives": [
        {"task_objective": " ", "requirements": [""], "preferences": []},
        {"task_objective": "Book a room.", "requirements": ["For two.", ""], "preferences": ["Near the sea."]},
        {"task_objective": "", "requirements": ["Ask for breakfast.", "Before 8."], "preferences": []},
    ],
}


def run(chat: ScriptedChat) -> Goal:
    return asyncio.run(decompose(chat, GOAL, Prompts.load()))


def test_a_goal_is_cut_into_components_with_the_ids_of_a_goal_file() -> None:
    chat = ScriptedChat(json.dumps(FULL))
    goal = run(chat)
    assert [(c.id, c.category.value, c.text, c.parent) for c in goal.components or ()] == [
        ("profile-1", "profile", "You are Ann.", None),
        ("policy-1", "policy", "Say please.", None),
        ("task-1", "objective", "Book a room.", None),
        ("task-1.requirement-1", "requirement", "For two.", "task-1"),
        ("task-1.preference-1", "preference", "Near the sea.", "task-1"),
        ("task-2", "objective", "Ask for breakfast.", None),
        ("task-2.requirement-1", "requirement", "Before 8.", "task-2"),
    ]
    assert goal.model_copy(update={"components": None}) == GOAL
    assert goal.source == "f:1"
    assert (goal.components or ())[3].parent_text == "Book a room."
    asked = chat.requests[0][1]["content"]
    assert "Book $5 {room}." in asked
    assert asked.count("</goal>") == 1


@pytest.mark.parametrize("empty", [{}, {"user_profile": ["", " "]}, {"task_objectives": [{"task_objective": ""}]}])
def test_an_empty_decomposition_is_asked_again_once(empty: dict[str, Any]) -> None:
    chat = ScriptedChat(json.dumps(empty), json.dumps(FULL))
    assert len(run(chat).components or ()) == 7
    assert chat.requests[0] != chat.requests[1]
    with pytest.raises(AnswerError, match="no sub-component in the goal 'g', asked twice"):
        run(ScriptedChat(json.dumps(empty)))


def test_an_answer_outside_the_form_is_an_error() -> None:
    with pytest.raises(AnswerError):
        run(ScriptedChat("I'd rather not."))


texts = st.lists(st.text(max_size=10) | st.just("x" * 30_000), max_size=4)
objectives = st.lists(
    st.fixed_dictionaries({"task_objective": st.text(max_size=5), "requirements": texts, "preferences": texts}),
    max_size=3,
)


@given(texts, texts, objectives)
def test_any_answer_makes_a_sound_goal_and_loses_no_text(
    profile: list[str], policy: list[str], tasks: list[Any]
) -> None:
    data = {"user_profile": profile, "user_policy": policy, "task_objectives": tasks}
    components = to_components(Decomposition.model_validate(data))
    Goal(id="g", text="x", components=components)
    said = [*profile, *policy]
    for task in tasks:
        said += [task["task_objective"], *task["requirements"], *task["preferences"]]
    assert {t.strip()[:20_000] for t in said if t.strip()} == {c.text for c in components}


def test_parts_without_a_word_of_the_goal_are_left_out() -> None:
    text = "Your user id is amelia_sanchez_4739 and you want to cancel your flights from MCO to CLT."
    components = to_components(
        Decomposition.model_validate(
            {
                "user_profile": ["Amelia Sanchez"],
                "user_policy": ["Never agree to extra fees."],
                "task_objectives": [
                    {"task_objective": "Cancelling flights", "requirements": ["It has to be an automatic."]},
                    {"task_objective": "Rent a car", "preferences": ["Rather a small one."]},
                    {"task_objective": "Get it done", "requirements": ["from MCO"], "preferences": []},
                ],
            }
        )
    )
    kept = without_inventions(components, text)
    assert [c.text for c in kept] == ["Amelia Sanchez", "Cancelling flights", "Get it done", "from MCO"]
    assert kept[-1].parent == kept[-2].id
