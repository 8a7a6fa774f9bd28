"""Methods of simulators, by which the paper's tables group them: from a plain prompt to GRPO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.llm.checkpoint_info import read_checkpoint_info

RULES = "Rule-based"
PROMPT = "Prompt-based"
STEERED = {
    "goal": "Inference-time steering with user goal",
    "state": "Inference-time steering with user goal states",
}
TRAINED = {"sft": "Cold-start SFT", "grpo": "GRPO with UGST rewards"}
"""Methods by their names in the lineage of a checkpoint's ``ugst.json``."""
METHODS = (RULES, PROMPT, *STEERED.values(), *TRAINED.values())
"""All methods, in the order of the paper's tables."""
_RULE_BASED = frozenset({"agenda"})


def method_of(setting: EpisodeConfig, folders: Iterable[Path], aliases: Mapping[str, Any] | None = None) -> str:
    """Return the method of a simulator.

    The ``ugst.json`` of a checkpoint that this package trained names its method; otherwise the setting decides.

    Args:
        setting: What the simulator's episodes were played with.
        folders: Folders that the path of a checkpoint may be relative to.
        aliases: The tables ``[tool.ugst.models.NAME]``, any of which may stand for a checkpoint.

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
    """Return the method of a checkpoint's last training; None where its lineage is unknown."""
    trained = read_checkpoint_info(folder)
    if trained is None or not trained.lineage:
        return None
    return TRAINED.get(trained.lineage[-1].method)


def rank(method: str) -> int:
    """Return the place of a method in a table, from 0; methods that are not in the paper come last."""
    return METHODS.index(method) if method in METHODS else len(METHODS)
