"""Completions: the reasoning, and what is heard."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.trainers.grpo.reward.completions import parse_completion


@given(st.text(alphabet=st.sampled_from("ab <>/think\n"), max_size=40), st.booleans(), st.booleans())
def test_what_is_heard_never_holds_a_tag(noise: str, opened: bool, thinks: bool) -> None:
    for text in (noise, f"<think>a</think>{noise}", f"{noise}<think>a</think>b"):
        parsed = parse_completion(text, Conversation(), opened=opened, thinks=thinks)
        assert (parsed.turn is None) == (parsed.format_error is not None)
        if parsed.turn is not None:
            assert re.search(r"</?\s*think", parsed.turn.text, re.IGNORECASE) is None
            assert bool(parsed.reasoning) == thinks


def test_a_template_that_opens_the_reasoning_itself() -> None:
    parsed = parse_completion("a\n</think>\n\nHello.", Conversation(), opened=True)
    assert parsed.turn is not None
    assert (parsed.reasoning, parsed.turn.text, parsed.format_error) == ("a", "Hello.", None)
    assert parse_completion("Hello.", Conversation(), opened=True).format_error == "unclosed reasoning"
