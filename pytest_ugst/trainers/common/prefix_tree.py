"""Trees of examples that begin alike, so that the model reads the common beginning once.

The examples of one conversation share their prompts: turn 5's holds turn 4's. Laid out as a tree of tokens, each
shared token is read once. A token attends to its ancestors only and has its depth as position, so that it is computed
as in its own example, and the loss over the completions is the same as example by example. (The idea of masks that
follow a tree is known from speculative decoding: Miao et al. 2024, "SpecInfer".)

The model needs the attention ``sdpa``, which takes such masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IGNORED = -100
"""The label of a token that is not learned."""
_BLOCK = 128  # few different lengths: libraries keep memory and prepared kernels for each shape they have met


@dataclass(slots=True)
class PrefixTree:
    """Examples as one sequence of tokens, each after its ancestors."""

    input_ids: list[int] = field(default_factory=list)
    position_ids: list[int] = field(default_factory=list)
    """The number of ancestors of each token."""
    parents: list[int] = field(default_factory=list)
    """The place in the sequence of the token before each token; -1 for a first one."""
    labels: list[int] = field(default_factory=list)
    """The labels of :mod:`transformers`: the own id of a token that is learned, else -100. Every learned token stands
    right behind its parent, so that the usual shift by one fits."""
    _children: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.input_ids)

    def add(self, prompt: Sequence[int], completion: Sequence[int]) -> None:
        """Add an example.

        Args:
            prompt: The tokens of the prompt; at least one.
            completion: The tokens to learn.

        Raises:
            ValueError: Without a prompt, the first token to learn would have nothing to be predicted from.
        """
        if not prompt:
            raise ValueError("an example needs a prompt of at least one token")
        at = -1
        for token in prompt[:-1]:
            child = self._children.get((at, token))
            if child is None:
                child = self._children[at, token] = self._append(at, token, IGNORED)
            at = child
        # The last token of the prompt is the example's own, so that the first token to learn stands right behind it.
        at = self._append(at, prompt[-1], IGNORED)
        for token in completion:
            at = self._append(at, token, token)

    def cost(self, prompt: Sequence[int], completion: Sequence[int]) -> int:
        """Return how many tokens an example would add."""
        at, shared = -1, 0
        for token in prompt[:-1]:
            child = self._children.get((at, token))
            if child is None:
                break
            at, shared = child, shared + 1
        return len(prompt) - shared + len(completion)

    def _append(self, parent: int, token: int, label: int) -> int:
        self.input_ids.append(token)
        self.position_ids.append(0 if parent < 0 else self.position_ids[parent] + 1)
        self.parents.append(parent)
        self.labels.append(label)
        return len(self.input_ids) - 1

    def mask(self) -> NDArray[np.bool_]:
        """Return which tokens attend to which: tokens x tokens, true where the column is the row or its ancestor."""
        import numpy as np

        seen = np.zeros((len(self), len(self)), dtype=np.bool_)
        for token, parent in enumerate(self.parents):
            if parent >= 0:
                seen[token] = seen[parent]
            seen[token, token] = True
        return seen


def build_trees(examples: Iterable[tuple[Sequence[int], Sequence[int]]], limit: int) -> list[PrefixTree]:
    """Put examples into as few trees as their order allows.

    Args:
        examples: Prompts and completions, as token ids; examples that begin alike next to each other.
        limit: Tokens that a tree may have. An example that is longer gets a tree of its own.
    """
    trees: list[PrefixTree] = []
    for prompt, completion in examples:
        if not trees or len(trees[-1]) + trees[-1].cost(prompt, completion) > limit:
            trees.append(PrefixTree())
        trees[-1].add(prompt, completion)
    return trees


def collate_trees(trees: Sequence[PrefixTree], pad: int) -> dict[str, Any]:
    """Return a batch of trees as a model of :mod:`transformers` with ``sdpa`` attention takes it.

    Args:
        trees: At least one.
        pad: The token to pad with.

    Returns:
        ``input_ids``, ``position_ids`` and ``labels``: trees x tokens; ``attention_mask``: trees x 1 x tokens x tokens.
        The tokens are padded to a multiple of 128.
    """
    import torch

    longest = -(-max(map(len, trees)) // _BLOCK) * _BLOCK
    shape = (len(trees), longest)
    input_ids = torch.full(shape, pad, dtype=torch.long)
    position_ids = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, IGNORED, dtype=torch.long)
    # Padding attends to itself: an attention over nothing would be no number.
    mask = torch.eye(longest, dtype=torch.bool).repeat(len(trees), 1, 1, 1)
    for number, tree in enumerate(trees):
        size = len(tree)
        input_ids[number, :size] = torch.tensor(tree.input_ids)
        position_ids[number, :size] = torch.tensor(tree.position_ids)
        labels[number, :size] = torch.tensor(tree.labels)
        mask[number, 0, :size, :size] = torch.from_numpy(tree.mask())
    return {"input_ids": input_ids, "position_ids": position_ids, "labels": labels, "attention_mask": mask}
