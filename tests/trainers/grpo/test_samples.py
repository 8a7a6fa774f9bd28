"""The prompts that GRPO draws from, how they become tokens, and the options of a run."""

from __future__ import annotations

import argparse
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.common.presets import read_options
from pytest_ugst.trainers.common.tokens import PromptTokens
from pytest_ugst.trainers.data.examples import Example, completion_text, examples_of
from pytest_ugst.trainers.grpo.command import add_arguments
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.trainers.grpo.samples import choose_samples
from tests.factories import objective, verdict
from tests.trainers.agenda_episodes import episodes
from tests.trainers.grpo.byte_tokenizer import ByteTokenizer
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


@pytest.mark.parametrize("joins", [False, True])
def test_pieces_make_the_same_tokens_as_the_whole(joins: bool) -> None:
    tokens, plain = PromptTokens(ByteTokenizer(joins)), ByteTokenizer(joins)
    for row in all_rows():
        prompt = [m.model_dump() for m in row.prompt]
        assert tokens.ids(prompt) == plain(plain.apply_chat_template(prompt), False)["input_ids"]


def test_what_stays_the_same_in_a_conversation_is_tokenized_once() -> None:
    tokenizer = ByteTokenizer()
    tokens = PromptTokens(tokenizer)
    prompts = [[m.model_dump() for m in row.prompt] for row in all_rows()]
    different = {(m["role"], m["content"]) for p in prompts for m in p}
    for prompt in prompts * 3:
        tokens.ids(prompt)
    once = sum(len(f"{role}\n{content}") for role, content in different) + len("<|x|>assistant\n")
    checks = sum(len(tokens.text(prompt)) for prompt in prompts[:8])  # the first few are held against the whole
    assert tokenizer.given == once + checks


def test_a_model_without_chat_template_is_refused() -> None:
    tokenizer = ByteTokenizer()
    tokenizer.chat_template = ""
    with pytest.raises(UsageError, match="no chat template"):
        PromptTokens(tokenizer)


def test_a_tokenizer_that_loses_the_tags_is_refused() -> None:
    class Loses(ByteTokenizer):
        def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
            return bytes(ids).decode().replace("<think>", "").replace("</think>", "")

    tokens = PromptTokens(Loses())
    tokens.require("a b")
    with pytest.raises(UsageError, match="'a b' of '<think> a </think> b': the tags of reasoning would be lost"):
        tokens.require(completion_text("a", "b"))


def parse(*args: str) -> GrpoOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(
        GrpoOptions, parser.parse_args(["--model=m", "--dataset=d", "--judge=checks", "--out=o", *args])
    )


def test_the_papers_preset_and_what_the_command_line_overrides() -> None:
    paper = parse("--preset", "paper-grpo")
    assert (paper.learning_rate, paper.batch, paper.rollouts, paper.steps) == (5e-6, 16, 8, 350)
    assert (paper.samples, paper.max_prompt_tokens) == (5000, 2048)
    assert paper.weight_profile == paper.weight_preference == 0.5
    changed = parse("--preset", "paper-grpo", "--steps", "7", "--no-reply", "--trl", "num_iterations=2")
    assert (changed.steps, changed.reply, changed.trl) == (7, False, {"num_iterations": 2})
    assert parse("--preset", "laptop-grpo").batch < paper.batch


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("steps: 3\ntrl: {num_iterations: 2}\n")
    assert parse("--preset", str(file), "--trl", "top_k=5").trl == {"num_iterations": 2, "top_k": 5}


@pytest.mark.parametrize(
    ("text", "args", "told"),
    [
        ("step: 3", [], "unknown option 'step'; did you mean 'steps'"),
        ("steps: many", [], "steps: .*integer"),
        ("steps: 0", [], "steps: .*greater than or equal to 1"),
        ("- steps", [], "write a mapping"),
        ("steps: [", [], "is no YAML"),
        ("", ["--steps", "0"], "^--steps: steps: "),
        ("", ["--trl", "x"], "write KEY=VALUE"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, text: str, args: list[str], told: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        parse("--preset", str(file), *args)


def test_an_unknown_preset() -> None:
    with pytest.raises(UsageError, match="did you mean 'paper-grpo'"):
        parse("--preset", "papergrpo")
