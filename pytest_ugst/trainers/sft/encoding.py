"""Rows as token ids: the prompt as in play, the target as the chat template has an assistant say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ugst.trainers.common.prefix_tree import IGNORED
from pytest_ugst.trainers.common.tokens import PromptTokens

if TYPE_CHECKING:
    from pytest_ugst.trainers.data.examples import Example


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row."""

    prompt: list[int]
    completion: list[int]
    """The target, the token that ends the turn included."""
    episode: str

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)

    @property
    def input_ids(self) -> list[int]:
        """Both."""
        return [*self.prompt, *self.completion]

    @property
    def labels(self) -> list[int]:
        """As in :mod:`transformers`: the target's ids, and -100 for the prompt."""
        return [*[IGNORED] * len(self.prompt), *self.completion]


class ExampleEncoder:
    """Encodes rows for one tokenizer; what conversations have in common is tokenized once."""

    def __init__(self, tokenizer: Any) -> None:
        """Take a tokenizer with a chat template.

        Raises:
            UsageError: If it has none.
        """
        self.tokenizer = tokenizer
        self.tokens = PromptTokens(tokenizer)
        self.most = 0
        """Tokens of the longest target so far."""

    def row(self, row: Example) -> Encoded:
        """Encode one row."""
        prompt = [m.model_dump() for m in row.prompt]
        completion = self._completion(prompt, row.completion_text)
        ids = self.tokenizer(completion, add_special_tokens=False)["input_ids"]
        self.most = max(self.most, len(ids))
        return Encoded(list(self.tokens.ids(prompt)), list(ids), row.episode)

    def _completion(self, prompt: list[dict[str, str]], completion_text: str) -> str:
        before = self.tokens.text(prompt)
        after: str = self.tokenizer.apply_chat_template(
            [*prompt, {"role": "assistant", "content": completion_text}], tokenize=False
        )
        end = self.tokenizer.eos_token or ""
        if after.startswith(before):
            said = after[len(before) :]
            # What follows the end of the turn belongs to the next one.
            cut = said.rfind(end) if end else -1
            if cut >= 0:
                return said[: cut + len(end)]
            return said
        # A template that opens the reasoning itself, or rewrites what an assistant said.
        opened = before.rstrip()
        if opened.endswith("<think>"):
            completion_text = completion_text.removeprefix("<think>").lstrip("\n")
        return f"{completion_text}{end}"
