"""Rows that share their beginnings, as one tree of tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.trainers.common.prefix_tree import IGNORED, PrefixTree, build_trees

TOKENS = st.integers(0, 3)
ROWS = st.lists(
    st.tuples(st.lists(TOKENS, min_size=1, max_size=8), st.lists(TOKENS, min_size=1, max_size=4)), max_size=6
)


def paths(tree: PrefixTree) -> list[tuple[list[int], list[int]]]:
    """The rows, read back from the end of each."""
    found = []
    parents = set(tree.parents)
    for end in (i for i in range(len(tree)) if tree.labels[i] != IGNORED and i not in parents):
        line, at = [], end
        while at >= 0:
            line.append(at)
            at = tree.parents[at]
        line.reverse()
        targets = [tree.input_ids[i] for i in line if tree.labels[i] != IGNORED]
        found.append(([tree.input_ids[i] for i in line if tree.labels[i] == IGNORED], targets))
    return found


@given(ROWS)
def test_every_row_is_read_as_it_was(rows: list[tuple[list[int], list[int]]]) -> None:
    for tree in build_trees(rows, 1_000):
        assert paths(tree) == rows
        mask = tree.mask()
        for token, parent in enumerate(tree.parents):
            assert parent < token
            assert tree.position_ids[token] == mask[token].sum() - 1
            if tree.labels[token] != IGNORED:
                assert parent == token - 1
                assert tree.labels[token] == tree.input_ids[token]


@given(ROWS, st.integers(1, 20))
def test_no_tree_is_larger_than_asked_unless_a_row_is(rows: list[tuple[list[int], list[int]]], limit: int) -> None:
    trees = build_trees(rows, limit)
    assert [row for tree in trees for row in paths(tree)] == rows
    assert all(len(tree) <= limit or len(paths(tree)) == 1 for tree in trees)


def test_what_is_shared_is_read_once() -> None:
    tree = PrefixTree()
    tree.add([1, 2, 3], [7, 8])
    assert tree.cost([1, 2, 3, 9, 3], [7]) == 4  # the 3 that the first row has for its own, 9, 3, 7
    tree.add([1, 2, 3, 9, 3], [7])
    assert tree.input_ids == [1, 2, 3, 7, 8, 3, 9, 3, 7]


def test_a_row_needs_a_prompt() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        PrefixTree().add([], [1])


@pytest.mark.slow
def test_loss_and_gradients_are_those_of_the_rows() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from pytest_ugst.trainers.common.prefix_tree import collate_trees

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, attn_implementation="sdpa",
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    shared = [5, 6, 7, 8]
    rows = [(shared, [1, 2]), ([*shared, 1, 9, 9, 5], [3]), ([*shared, 1, 9, 9, 5], [4, 4, 2]), ([11, 12], [13])]
    targets = sum(len(completion) for _, completion in rows)

    def gradients(loss: Any) -> list[Any]:
        model.zero_grad()
        loss.backward()
        return [p.grad.clone() for p in model.parameters()]

    def loss_of(**batch: Any) -> Any:
        return model(**batch, num_items_in_batch=targets).loss

    one_by_one = sum(
        loss_of(input_ids=torch.tensor([[*p, *c]]), labels=torch.tensor([[IGNORED] * len(p) + c])) for p, c in rows
    )
    there = gradients(one_by_one)
    together = loss_of(**collate_trees(build_trees(rows, 16), pad=0))  # two trees, of different sizes
    here = gradients(together)
    assert len(build_trees(rows, 16)) == 2
    torch.testing.assert_close(together, one_by_one)
    for a, b in zip(here, there, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)
