"""Examples as token ids: the prompt as in play, the completion as the chat template has an assistant say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ugst.trainers.common.prefix_tree import IGNORED
from pytest_ugst.trainers.common.tokens import PromptTokens

if TYPE_CHECKING:
    from pytest_ugst.trainers.data.examples import Example


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """An example as token ids."""

    prompt: list[int]
    completion: list[int]
    """The completion, with the token that ends the turn."""
    episode: str

    def __len__(self) -> int:
        """Return the number of tokens of prompt and completion."""
        return len(self.prompt) + len(self.completion)

    @property
    def input_ids(self) -> list[int]:
        """The ids of prompt and completion."""
        return [*self.prompt, *self.completion]

    @property
    def labels(self) -> list[int]:
        """The labels of :mod:`transformers`: the completion's ids, and -100 for the prompt."""
        return [*[IGNORED] * len(self.prompt), *self.completion]


class ExampleEncoder:
    """An encoder of examples for one tokenizer; what conversations have in common is tokenized once."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap a tokenizer that has a chat template.

        Raises:
            UsageError: If it has none.
        """
        self.tokenizer = tokenizer
        self.tokens = PromptTokens(tokenizer)
        self.longest_completion = 0
        """Tokens of the longest completion so far."""

    def encode(self, example: Example) -> EncodedExample:
        """Encode an example."""
        prompt = [m.model_dump() for m in example.prompt]
        completion = self._completion(prompt, example.completion_text)
        ids = self.tokenizer(completion, add_special_tokens=False)["input_ids"]
        self.longest_completion = max(self.longest_completion, len(ids))
        return EncodedExample(list(self.tokens.ids(prompt)), list(ids), example.episode)

    def _completion(self, prompt: list[dict[str, str]], text: str) -> str:
        """Return what the chat template writes behind the prompt, up to the end of the turn."""
        before = self.tokens.text(prompt)
        after: str = self.tokenizer.apply_chat_template(
            [*prompt, {"role": "assistant", "content": text}], tokenize=False
        )
        end = self.tokenizer.eos_token or ""
        if after.startswith(before):
            written = after[len(before) :]
            # What follows the end of the turn belongs to the next one.
            cut = written.rfind(end) if end else -1
            return written[: cut + len(end)] if cut >= 0 else written
        # A template that opens the reasoning itself, or rewrites what an assistant said.
        if before.rstrip().endswith("<think>"):
            text = text.removeprefix("<think>").lstrip("\n")
        return f"{text}{end}"
