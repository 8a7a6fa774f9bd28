"""Completions of one prompt share its computation: forward, backward and when sampling.

In GRPO several completions follow the same long prompt. Run as separate rows, the prompt is computed for each. Here the
model reads it once, and the completions attend to what it left in the key-value cache; gradients flow back through the
cache, so that the loss and its gradient are the same up to rounding.
"""

from __future__ import annotations

from typing import Any


def read_prompts(model: Any, ids: Any, mask: Any, rows: Any) -> Any:
    """Have the model read prompts, and repeat what it keeps of them.

    Args:
        model: A causal language model of transformers.
        ids: Different prompts, left-padded: prompts x tokens.
        mask: 1 for tokens, 0 for padding.
        rows: For each row of the cache, which prompt it is of.

    Returns:
        The cache, of one row for each of ``rows``.
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


def positions(mask: Any) -> Any:
    """Positions of left-padded tokens, as transformers' ``generate`` counts them."""
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def different(ids: Any, mask: Any) -> tuple[Any, Any]:
    """Which of some left-padded prompts differ.

    Returns:
        The index of the first row of each prompt, and for each row which of these it equals.
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
    """Log-probabilities and entropies of completions, by the head that TRL adds to its models.

    Args:
        model: With TRL's fused head.
        ids: Prompt and completion, the prompt left-padded, the completion right-padded: rows x tokens.
        mask: 1 for tokens, 0 for padding.
        keep: Tokens of the completion.

    Returns:
        Both rows x ``keep``; 0 for padding.
    """
    import torch

    start = ids.size(1) - keep - 1  # the prompt's last token is what the first target is predicted from
    used = int(mask[:, start + 1 :].any(0).sum())  # columns in which some completion goes on
    skipped = int((~mask.any(0)).long().cumprod(0).sum())  # padding that all prompts have
    if used == 0:
        used = 1
    first, rows = different(ids[:, skipped:start], mask[:, skipped:start])
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
