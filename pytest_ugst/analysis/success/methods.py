"""Methods: by which the paper's tables group simulators, from a plain prompt to GRPO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.llm.checkpoint_info import read_trained

RULES = "Rule-based"
PROMPT = "Prompt-based"
STEERED = {
    "goal": "Inference-time steering with user goal",
    "state": "Inference-time steering with user goal states",
}
TRAINED = {"sft": "Cold-start SFT", "grpo": "GRPO with UGST rewards"}
"""By what the lineage in a checkpoint's ``ugst.json`` calls it."""
METHODS = (RULES, PROMPT, *STEERED.values(), *TRAINED.values())
"""In the order of the paper's tables."""
_RULE_BASED = frozenset({"agenda"})


def method_of(setting: EpisodeConfig, folders: Iterable[Path], aliases: Mapping[str, Any] | None = None) -> str:
    """The method of a simulator.

    A checkpoint that was trained here says so by itself; else the setting decides.

    Args:
        setting: What was played.
        folders: Where the path of a checkpoint may start.
        aliases: The tables ``[tool.ugst.models.NAME]``: one may stand for a checkpoint.

    Raises:
        UsageError: If a checkpoint's ``ugst.json`` can't be read.
    """
    name = setting.simulator
    alias = (aliases or {}).get(name)
    named = alias.get("model") if isinstance(alias, dict) else None
    for folder in folders:
        for path in (name, named):
            if isinstance(path, str) and path and (trained := _trained(folder / path)) is not None:
                return trained
    if setting.steer != "none":
        return STEERED[setting.steer]
    return RULES if name.partition(":")[0] in _RULE_BASED else PROMPT


def _trained(folder: Path) -> str | None:
    """By which training a checkpoint came about last, if it says."""
    trained = read_trained(folder)
    if trained is None or not trained.lineage:
        return None
    return TRAINED.get(trained.lineage[-1].method)


def rank(method: str) -> int:
    """Where a method stands in a table; those that the paper does not know come last."""
    return METHODS.index(method) if method in METHODS else len(METHODS)
