"""Playing a trained simulator as it was trained: with the reasoning and the prompts that its checkpoint names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ugst.llm.checkpoint_info import PROMPTS_FOLDER, folder_of, read_trained

if TYPE_CHECKING:
    from pytest_ugst.core.registry import RoleContext


def as_trained(context: RoleContext, model: str) -> RoleContext:
    """What a simulator is made with, if it is to be played as it was trained.

    Args:
        context: What the options say; it comes first.
        model: A checkpoint's folder or its GGUF file; anything else changes nothing.

    Raises:
        UsageError: If the checkpoint's ``ugst.json`` can't be read.
    """
    folder = folder_of(model)
    trained = read_trained(folder) if folder is not None else None
    if folder is None or trained is None:
        return context
    prompts = folder / PROMPTS_FOLDER
    return replace(
        context,
        reasoning=context.reasoning or trained.reasoning == "think",
        prompts=context.prompts or (prompts if prompts.is_dir() else None),
    )
