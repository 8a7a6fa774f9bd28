"""Shared computation of prompts: completions of one prompt share its forward and backward pass, and its sampling.

In GRPO several completions follow the same long prompt. Run as separate rows, the prompt is computed for each. Here the
model reads it once, and the completions attend to what it left in the key-value cache; gradients flow back through the
cache, so that the loss and its gradient are the same up to rounding.
"""

from __future__ import annotations

from typing import Any

from pytest_ugst.trainers.common.prefix_tree import IGNORED, PrefixTree, collate_trees


def read_prompts(model: Any, ids: Any, mask: Any, rows: Any) -> Any:
    """Have the model read prompts, and repeat the key-value cache that it keeps of them.

    Args:
        model: A causal language model of transformers.
        ids: Different prompts, left-padded: prompts x tokens.
        mask: 1 for tokens, 0 for padding.
        rows: For each row of the cache the index of its prompt.

    Returns:
        The cache, with one row for each of ``rows``.
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions(mask),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    cache.batch_select_indices(rows)
    return cache


def make_room(cache: Any, tokens: int) -> None:
    """Reserve room in a cache for more tokens, so that it is not copied for each of them.

    Transformers' own cache is copied for every token: on a CPU that took half of the time of sampling. The room is for
    use without gradients, and until rows are selected from the cache.

    Args:
        cache: A cache that has read its prompts.
        tokens: The number of tokens to come.
    """
    from transformers.cache_utils import DynamicLayer

    for layer in cache.layers:
        if type(layer) is DynamicLayer and layer.is_initialized:
            _make_room(layer, tokens)


def _make_room(layer: Any, tokens: int) -> None:
    import torch

    room = []
    for held in (layer.keys, layer.values):
        shape = (*held.shape[:-2], held.shape[-2] + tokens, held.shape[-1])
        buffer = torch.empty(shape, dtype=held.dtype, device=held.device)
        buffer[..., : held.shape[-2], :] = held
        room.append(buffer)
    grow = layer.update

    def update(keys: Any, values: Any, *more: Any, **options: Any) -> tuple[Any, Any]:
        at, capacity = layer.keys.shape[-2], room[0].shape[-2]
        end = at + keys.shape[-2]
        if end > capacity:
            grown: tuple[Any, Any] = grow(keys, values, *more, **options)
            return grown
        for buffer, new in zip(room, (keys, values), strict=True):
            buffer[..., at:end, :] = new
        layer.keys, layer.values = (buffer[..., :end, :] for buffer in room)
        return layer.keys, layer.values

    layer.update = update


def positions(mask: Any) -> Any:
    """Return the positions of left-padded tokens, as transformers' ``generate`` counts them."""
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def unique_prompts(ids: Any, mask: Any) -> tuple[Any, Any]:
    """Find the different ones of some left-padded prompts.

    Returns:
        The index of the first row of each different prompt, and for each row the number of the prompt that it equals.
    """
    import torch

    seen: dict[bytes, int] = {}
    first: list[int] = []
    rows: list[int] = []
    for number, (line, known) in enumerate(zip(ids.cpu(), mask.cpu(), strict=True)):
        key = line[known.bool()].numpy().tobytes()
        if key not in seen:
            seen[key] = len(first)
            first.append(number)
        rows.append(seen[key])
    return torch.tensor(first, device=ids.device), torch.tensor(rows, device=ids.device)


def log_probs(model: Any, ids: Any, mask: Any, keep: int) -> tuple[Any, Any]:
    """Compute log-probabilities and entropies of completions, by the head that TRL adds to its models.

    Args:
        model: A model with TRL's fused head.
        ids: Prompt and completion, the prompt left-padded, the completion right-padded: rows x tokens.
        mask: 1 for tokens, 0 for padding.
        keep: The number of tokens of the completion.

    Returns:
        Both rows x ``keep``; 0 for padding.
    """
    import torch

    start = ids.size(1) - keep - 1  # the first token of the completion is predicted from the prompt's last one
    used = int(mask[:, start + 1 :].any(0).sum())  # columns in which some completion goes on
    skipped = int((~mask.any(0)).long().cumprod(0).sum())  # padding that all prompts have
    if used == 0:
        used = 1
    first, rows = unique_prompts(ids[:, skipped:start], mask[:, skipped:start])
    cache = None
    if start > skipped:
        cache = read_prompts(model, ids[first, skipped:start], mask[first, skipped:start], rows)
    end = start + 1 + used
    tail = ids[:, start:end]
    labels = tail.masked_fill(mask[:, start:end] == 0, -100)
    labels[:, 0] = -100
    out = model(
        input_ids=tail,
        attention_mask=mask[:, skipped:end],
        position_ids=positions(mask)[:, start:end],
        past_key_values=cache,
        labels=labels,
        fused_lm_head=True,
    )
    pad = (0, keep - used)
    return torch.nn.functional.pad(out.log_probs, pad), torch.nn.functional.pad(out.entropy, pad)


class TurnSampler:
    """A sampler of the turns of several conversations, whose beginnings it reads once."""

    def __init__(self, model: Any, prompts: list[list[int]], config: Any, filler: int) -> None:
        """Read the beginnings.

        Args:
            model: A causal language model of transformers.
            prompts: The first context of each conversation.
            config: A ``GenerationConfig``.
            filler: The token to pad with.
        """
        import torch

        self._config, self._filler = config, filler
        self._prompts = prompts
        self._ids, self._mask = _padded([prompt[:-1] for prompt in prompts], filler, model.device)
        first, self._rows = unique_prompts(self._ids, self._mask)
        with torch.no_grad():
            every = torch.arange(len(first), device=model.device)
            self._cache = read_prompts(model, self._ids[first], self._mask[first], every)

    def sample(self, model: Any, which: list[int], contexts: list[list[int]]) -> Any:
        """Sample one turn of some of the conversations.

        Args:
            model: The model that read the beginnings.
            which: The conversations, as indices of ``prompts``.
            contexts: Their contexts now.

        Returns:
            The completions: conversations x tokens, padded on the right.
        """
        import copy

        import torch

        prompts = [self._prompts[number] for number in which]
        if any(context[: len(prompt)] != prompt for context, prompt in zip(contexts, prompts, strict=True)):
            # A chat template that writes the beginning anew each time: there is nothing to share.
            ids, mask = _padded(contexts, self._filler, model.device)
            with torch.no_grad():
                sequences = model.generate(input_ids=ids, attention_mask=mask, generation_config=self._config)
            return sequences[:, ids.size(1) :]
        tails = [context[len(prompt) - 1 :] for context, prompt in zip(contexts, prompts, strict=True)]
        ids, mask = _padded(tails, self._filler, model.device)
        ids = torch.cat([self._ids[which], ids], dim=1)
        mask = torch.cat([self._mask[which], mask], dim=1)
        cache = copy.deepcopy(self._cache)
        cache.batch_select_indices(self._rows[which])
        make_room(cache, max(map(len, tails)) + self._config.max_new_tokens)
        with torch.no_grad():
            sequences = model.generate(
                input_ids=ids, attention_mask=mask, past_key_values=cache, generation_config=self._config
            )
        return sequences[:, ids.size(1) :]


def _padded(rows: list[list[int]], filler: int, device: Any) -> tuple[Any, Any]:
    """Return token ids padded on the left, and their mask: rows x tokens."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([[filler] * (longest - len(row)) + row for row in rows], dtype=torch.long, device=device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def turns_log_probs(model: Any, rows: list[list[tuple[list[int], list[int]]]], keep: int, filler: int) -> Any:
    """Compute log-probabilities and entropies of all turns of conversations, each after its own context.

    The turns are computed as one tree of tokens.

    Args:
        model: A model with TRL's fused head, and ``sdpa`` attention.
        rows: For each conversation its turns: contexts and completions.
        keep: The number of columns of the result.
        filler: The token to pad with.

    Returns:
        Both conversations x ``keep``; 0 where a conversation has no more tokens.
    """
    import torch

    tree = PrefixTree()
    for segments in rows:
        for context, completion in segments:
            tree.add(context, completion)
    batch = {name: tensor.to(model.device) for name, tensor in collate_trees([tree], filler).items()}
    out = model(**batch, fused_lm_head=True)
    # Turns were added in order, so their completions follow each other; a token is predicted at the place before it.
    at = (batch["labels"][0] != IGNORED).nonzero()[:, 0] - 1
    sizes = [sum(len(completion) for _, completion in segments) for segments in rows]
    found = []
    for values in (out.log_probs[0][at], out.entropy[0][at]):
        parts = values.split(sizes)
        found.append(torch.stack([torch.nn.functional.pad(part, (0, keep - len(part))) for part in parts]))
    return found[0], found[1]
