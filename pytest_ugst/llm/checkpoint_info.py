"""What a trained simulator's checkpoint says of itself: ``ugst.json``, so that it is played as it was trained.

Found beside the weights, it has the simulator think before it speaks if that is what it learned, gives it the prompts
it was trained with (the folder ``prompts``), and bounds its answers. What a run's options or an alias say comes first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import UsageError, first_fault

FORMAT: Literal[1] = 1
FILE = "ugst.json"
PROMPTS_FOLDER = "prompts"
STOP_WORDS = ("TERMINATE", "###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###")
"""What ends a conversation; see :mod:`pytest_ugst.simulators.termination`."""


class Step(Frozen):
    """One training in a checkpoint's lineage."""

    method: str
    """``sft`` or ``grpo``."""
    base: str
    """The model that was trained."""
    data: str = ""
    data_digest: str = ""
    episodes: int = 0
    """Episodes the rows come from."""
    rows: int = 0
    steps: int = 0
    options: dict[str, Any] = Field(default_factory=dict)
    created: str = ""
    version: str = ""
    """Of this package."""


class Trained(Frozen):
    """What ``ugst.json`` holds."""

    format: Literal[1] = FORMAT
    role: Literal["simulator", "judge"] = "simulator"
    reasoning: Literal["think", "none"] = "none"
    """``think``: the model writes ``<think>``, reasoning, ``</think>``, utterance, and is asked to."""
    prompts: str = ""
    """Version of the prompts it was trained with; the simulator's own are in the folder ``prompts``."""
    stop_words: tuple[str, ...] = STOP_WORDS
    sampling: dict[str, Any] = Field(default_factory=dict)
    """For play: ``max_tokens`` and whatever else was set; an alias's own sampling comes first."""
    lineage: tuple[Step, ...] = ()
    """From the first training to the last."""


def read_trained(folder: Path | str) -> Trained | None:
    """What the checkpoint in a folder says of itself; None if it says nothing.

    Raises:
        UsageError: If its ``ugst.json`` can't be read.
    """
    path = Path(folder) / FILE
    try:
        if not path.is_file():
            return None
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Trained.model_validate(raw)
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; was it saved by another version?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} can't be read: {error}") from None


def folder_of(model: str) -> Path | None:
    """The folder of a checkpoint, or of its GGUF file; None for what is not on this machine."""
    path = Path(model)
    if path.is_dir():
        return path
    return path.parent if path.suffix == ".gguf" and path.is_file() else None
