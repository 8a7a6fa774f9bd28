"""LoRA adapters, as the options of a training describe them."""

from __future__ import annotations

from typing import Any


def lora_config(rank: int, alpha: int, targets: str) -> Any:
    """Return the configuration of an adapter for :mod:`peft`; None where all weights are trained.

    Args:
        rank: The adapter's rank; 0 trains all weights.
        alpha: LoRA's scaling factor.
        targets: Names of the modules with an adapter, separated by commas, or ``all-linear``.
    """
    if not rank:
        return None
    from peft import LoraConfig

    modules = targets if targets == "all-linear" else targets.split(",")
    return LoraConfig(r=rank, lora_alpha=alpha, target_modules=modules, task_type="CAUSAL_LM")
