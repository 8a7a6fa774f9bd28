"""Prompts as tokens, where what stays the same within a conversation is tokenized once.

A chat template writes special tokens between messages, and tokenizers cut their input at these before anything else. So
a prompt's tokens are those of its pieces put together, and the pieces of a conversation's later prompts are those of
its earlier ones and a few more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.errors import UsageError

Messages = Sequence[Mapping[str, str]]


class PromptTokens:
    """A tokenizer of prompts that remembers pieces and whole prompts."""

    def __init__(self, tokenizer: Any, template_kwargs: Mapping[str, Any] | None = None) -> None:
        """Wrap a tokenizer that has a chat template.

        Args:
            tokenizer: A tokenizer of transformers.
            template_kwargs: Arguments for the chat template.

        Raises:
            UsageError: If it has no chat template.
        """
        if not getattr(tokenizer, "chat_template", None):
            raise UsageError(
                "the model's tokenizer has no chat template; train from a chat model, or put a chat_template.jinja "
                "beside its tokenizer"
            )
        self.tokenizer = tokenizer
        self._kwargs = dict(template_kwargs or {})
        added = sorted({str(token) for token in tokenizer.get_added_vocab()}, key=len, reverse=True)
        self._cut = re.compile("|".join(map(re.escape, added))) if added else None
        self._pieces: dict[str, tuple[int, ...]] = {}
        self._prompts: dict[tuple[tuple[str, str], ...], list[int]] = {}
        self._whole = self._cut is None
        self._checked = 0
        self.tokenized = 0
        """Characters given to the tokenizer so far."""

    def ids(self, messages: Messages) -> list[int]:
        """Return the token ids of a prompt that ends where the assistant speaks."""
        key = tuple((str(m["role"]), str(m["content"])) for m in messages)
        ids = self._prompts.get(key)
        if ids is None:
            ids = self._prompts[key] = self._tokenize(self.text(messages))
        return ids

    def text(self, messages: Messages) -> str:
        """Return a prompt as the chat template writes it.

        Raises:
            UsageError: If the template refuses the conversation.
        """
        try:
            text: str = self.tokenizer.apply_chat_template(
                [dict(m) for m in messages], tokenize=False, add_generation_prompt=True, **self._kwargs
            )
        except Exception as error:  # Jinja's own errors, and whatever a template raises
            raise UsageError(f"the model's chat template can't write this conversation: {error}") from None
        return text

    def opens_thinking(self, messages: Messages) -> bool:
        """Return whether the chat template opens the reasoning itself."""
        return self.text(messages).rstrip().endswith("<think>")

    def require(self, text: str) -> None:
        """Check that a text survives being tokenized and decoded, as completions are.

        Raises:
            UsageError: If it does not survive.
        """
        back = self.tokenizer.decode(self._encode(text), skip_special_tokens=True)
        if back.split() != text.split():
            raise UsageError(
                f"the tokenizer makes {' '.join(back.split())!r} of {' '.join(text.split())!r}: the tags of reasoning "
                "would be lost; take a model whose tokenizer does not hold them for special tokens, or train without "
                "reasoning (ugst train data --traces none)"
            )

    def _tokenize(self, text: str) -> list[int]:
        if self._whole or self._cut is None:
            return self._encode(text)
        ids: list[int] = []
        at = 0
        for found in self._cut.finditer(text):
            ids += self._piece(text[at : found.start()])
            ids += self._piece(found.group())
            at = found.end()
        ids += self._piece(text[at:])
        if self._checked < 8:
            # Some tokenizers look across their special tokens; then nothing is saved, and nothing is wrong.
            self._checked += 1
            if (whole := self._encode(text)) != ids:
                self._whole = True
                self._prompts.clear()
                return whole
        return ids

    def _piece(self, text: str) -> tuple[int, ...]:
        if not text:
            return ()
        ids = self._pieces.get(text)
        if ids is None:
            ids = self._pieces[text] = tuple(self._encode(text))
        return ids

    def _encode(self, text: str) -> list[int]:
        self.tokenized += len(text)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
