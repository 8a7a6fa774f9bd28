"""The context of a trained simulator: the reasoning and the prompts that its checkpoint was trained with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ugst.llm.checkpoint_info import PROMPTS_FOLDER, checkpoint_folder, read_checkpoint_info

if TYPE_CHECKING:
    from pytest_ugst.core.registry import RoleContext


def as_trained(context: RoleContext, model: str) -> RoleContext:
    """Return the context in which a simulator is played as it was trained.

    Args:
        context: The context that the options give; what it sets takes precedence.
        model: A checkpoint's folder or its GGUF file; anything else changes nothing.

    Raises:
        UsageError: If the checkpoint's ``ugst.json`` can't be read.
    """
    folder = checkpoint_folder(model)
    trained = read_checkpoint_info(folder) if folder is not None else None
    if folder is None or trained is None:
        return context
    prompts = folder / PROMPTS_FOLDER
    return replace(
        context,
        reasoning=context.reasoning or trained.reasoning == "think",
        prompts=context.prompts or (prompts if prompts.is_dir() else None),
    )
