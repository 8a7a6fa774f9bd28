"""Prompts as tokens, piece by piece."""

from __future__ import annotations

from functools import cache

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.common.tokens import PromptTokens
from pytest_ugst.trainers.data.examples import completion_text, examples_of
from tests.trainers.agenda_episodes import episodes
from tests.trainers.common.byte_tokenizer import ByteTokenizer


@cache
def prompts() -> list[list[dict[str, str]]]:
    """Return all prompts of some episodes."""
    rows = [row for episode in episodes() for row in examples_of(episode, Prompts.load())]
    return [[message.model_dump() for message in row.prompt] for row in rows]


@pytest.mark.parametrize("joins", [False, True])
def test_pieces_make_the_same_tokens_as_the_whole(joins: bool) -> None:
    tokens, plain = PromptTokens(ByteTokenizer(joins)), ByteTokenizer(joins)
    for prompt in prompts():
        assert tokens.ids(prompt) == plain(plain.apply_chat_template(prompt), False)["input_ids"]


def test_what_stays_the_same_in_a_conversation_is_tokenized_once() -> None:
    tokenizer = ByteTokenizer()
    tokens = PromptTokens(tokenizer)
    different = {(m["role"], m["content"]) for prompt in prompts() for m in prompt}
    for prompt in prompts() * 3:
        tokens.ids(prompt)
    once = sum(len(f"{role}\n{content}") for role, content in different) + len("<|x|>assistant\n")
    checks = sum(len(tokens.text(prompt)) for prompt in prompts()[:8])  # the first few are held against the whole
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
