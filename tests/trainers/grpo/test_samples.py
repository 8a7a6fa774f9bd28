"""The prompts that GRPO draws from."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.data.examples import Example, examples_of
from pytest_ugst.trainers.grpo.samples import choose_samples
from tests.factories import objective, verdict
from tests.trainers.agenda_episodes import episodes
from tests.trainers.grpo.reward.sampled_turns import recorded


@cache
def all_rows() -> list[Example]:
    return [row for episode in episodes() for row in examples_of(episode, Prompts.load())]


BY_ID = {episode.id: episode for episode in episodes()}


def length(prompt: Any) -> int:
    return sum(len(message["content"]) for message in prompt)


@given(st.integers(1, 30), st.integers(0, 5))
def test_samples_are_balanced_over_turns_and_depend_on_the_seed_alone(count: int, seed: int) -> None:
    rows = all_rows()
    there = Counter(row.turn for row in rows)
    samples = choose_samples(rows, BY_ID, length, count=count, max_tokens=10**6, seed=seed)
    again = choose_samples(all_rows(), BY_ID, length, count=count, max_tokens=10**6, seed=seed)
    assert [s.id for s in samples.chosen] == [s.id for s in again.chosen]
    assert len({s.id for s in samples.chosen}) == len(samples.chosen) == min(count, len(rows))
    taken = samples.by_turn()
    most = max(taken.values())
    assert all(taken.get(turn, 0) >= min(most - 1, there[turn]) for turn in there)
    assert samples.left_out["over the count"] == len(rows) - len(samples.chosen)


def test_prompts_that_are_too_long_are_left_out_and_said_so() -> None:
    rows = all_rows()
    limit = sorted(length([m.model_dump() for m in row.prompt]) for row in rows)[len(rows) // 2]
    samples = choose_samples(rows, BY_ID, length, max_tokens=limit)
    assert all(length(s.prompt) <= limit for s in samples.chosen)
    assert samples.left_out["too long"] == len(rows) - len(samples.chosen) > 0
    with pytest.raises(UsageError, match=r"too long.*raise max_prompt_tokens"):
        choose_samples(rows, BY_ID, length, max_tokens=1)


def test_a_turn_before_which_the_state_is_unknown_is_left_out() -> None:
    # Nothing was said of turn 2, so what the third one changes can't be told.
    episode = recorded(objective("t"), turns=3, said=[verdict("t", 1, "INCOMPLETE"), verdict("t", 3, "INCOMPLETE")])
    rows = list(examples_of(episode, Prompts.load()))
    samples = choose_samples(rows, {episode.id: episode}, length, max_tokens=10**6)
    assert sorted(s.prompt_state.turn for s in samples.chosen) == [1, 2]
    assert samples.left_out == {"state unknown": 1}
