"""A tokenizer without a vocabulary."""

from __future__ import annotations

from typing import Any


class ByteTokenizer:
    """A tokenizer with bytes as tokens, and ``<|x|>`` as one; it counts what it is given."""

    chat_template = "yes"

    def __init__(self, joins: bool = False) -> None:
        self.joins, self.given = joins, 0

    def get_added_vocab(self) -> dict[str, int]:
        return {"<|x|>": 256}

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> str:
        return "".join(f"<|x|>{m['role']}\n{m['content']}" for m in messages) + "<|x|>assistant\n"

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        self.given += len(text)
        parts = text.split("<|x|>")
        ids = [[*part.encode()] for part in parts]
        whole = [i for n, part in enumerate(ids) for i in ([256] if n else []) + part]
        return {"input_ids": [*whole, len(parts)] if self.joins else whole}
