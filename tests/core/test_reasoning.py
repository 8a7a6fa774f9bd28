"""Reasoning is told apart from speech, however the model marks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.reasoning import join_reasoning, split_reasoning


@pytest.mark.parametrize(
    ("text", "spoken", "reasoning"),
    [
        ("Hello.", "Hello.", None),
        ("<think>I plan.</think>Hello.", "Hello.", "I plan."),
        ("<THINK type='x'>\nplan\n</Think>\n\nHello.", "Hello.", "plan"),
        ("plan</think> Hello.", "Hello.", "plan"),
        ("<think>plan, cut off", "", "plan, cut off"),
        ("Hello. <think>more", "Hello.", "more"),
        ("<think>a</think>Hello.<thinking>b</thinking> Bye.", "Hello. Bye.", "a\n\nb"),
        ("<think>a <think>b</think> c</think>Hello.", "Hello.", "a\n\nb\n\nc"),
        ("<think></think>Hello.", "Hello.", None),
        ("Hello.</think", "", "Hello."),
        ("2 < 3 and <thinker> stays", "2 < 3 and <thinker> stays", None),
    ],
)
def test_examples(text: str, spoken: str, reasoning: str | None) -> None:
    assert split_reasoning(text) == (spoken, reasoning)


pieces = st.sampled_from(["<think>", "</think>", "<reasoning>", "</REASONING>", "secret", "plan", "\n", " ", "<", ">"])


@given(st.lists(pieces, max_size=12))
def test_no_thought_is_ever_spoken(parts: list[str]) -> None:
    text = "".join(parts)
    spoken, _ = split_reasoning(f"{text}<think>WITHHELD")
    assert "WITHHELD" not in spoken
    spoken, reasoning = split_reasoning(f"WITHHELD</think>{text}")
    assert "WITHHELD" not in spoken
    assert "WITHHELD" in (reasoning or "")
    spoken, reasoning = split_reasoning(f"<think>{text}</think>Heard.")
    assert spoken.endswith("Heard.")


def test_reasoning_from_two_places_is_kept_once() -> None:
    assert join_reasoning(None, " a ", "a", "", "b") == "a\n\nb"
    assert join_reasoning(None, "") is None
