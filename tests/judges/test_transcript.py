"""The conversation as a judge reads it, and the place of a quote in it."""

from __future__ import annotations

from hypothesis import given

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.judges.transcript import find_quote
from tests.strategies import conversations


@given(conversations)
def test_real_words_are_always_found(conversation: Conversation) -> None:
    for number, turn in enumerate(conversation.turns, 1):
        if any(c.isalnum() for c in turn.user) and "..." not in turn.user and "…" not in turn.user:
            assert find_quote(conversation, turn.user, number, "user") is not None
            assert find_quote(conversation, f"“{turn.user.upper().lower()}”", number, "agent") is not None
