"""Penalties beside the indicators."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.trainers.grpo.reward.shaping import repetition


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_repetition_is_a_share(text: str, earlier: list[str]) -> None:
    assert 0.0 <= repetition(text, earlier) <= 1.0
    words = text.split()
    if any(word.isalnum() for word in words):
        assert repetition(text, [*earlier, text]) == 1.0
