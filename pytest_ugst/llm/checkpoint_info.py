"""The description of a trained checkpoint, ``ugst.json``, by which a model is used in the way it was trained.

The file lies beside the weights. By it a simulator reasons before it speaks if it was trained to, gets the prompts it
was trained with (the folder ``prompts``), and has its answers bounded. The options of a run or an alias take
precedence.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import UsageError, first_fault

FORMAT: Literal[1] = 1
INFO_FILE = "ugst.json"
PROMPTS_FOLDER = "prompts"
STOP_WORDS = ("TERMINATE", "###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###")
"""Words that end a conversation; see :mod:`pytest_ugst.simulators.termination`."""


class TrainingStep(Frozen):
    """A training in a checkpoint's lineage."""

    method: str
    """``sft`` or ``grpo``."""
    base: str
    """The model that was trained."""
    data: str = ""
    """The folder of the training data."""
    data_digest: str = ""
    episodes: int = 0
    """Number of episodes that the rows come from."""
    rows: int = 0
    """Number of training examples."""
    steps: int = 0
    """Number of optimizer steps."""
    options: dict[str, Any] = Field(default_factory=dict)
    created: str = ""
    version: str = ""
    """The version of this package."""


class CheckpointInfo(Frozen):
    """The content of ``ugst.json``."""

    format: Literal[1] = FORMAT
    role: Literal["simulator", "judge"] = "simulator"
    reasoning: Literal["think", "none"] = "none"
    """``think``: the model is prompted to write ``<think>``, reasoning, ``</think>``, utterance."""
    prompts: str = ""
    """The version of the prompts it was trained with; the simulator's own are in the folder ``prompts``."""
    stop_words: tuple[str, ...] = STOP_WORDS
    sampling: dict[str, Any] = Field(default_factory=dict)
    """Sampling for use: ``max_tokens`` and whatever else was set; an alias's own sampling takes precedence."""
    lineage: tuple[TrainingStep, ...] = ()
    """The trainings, from the first to the last."""


def read_checkpoint_info(folder: Path | str) -> CheckpointInfo | None:
    """Read the description of the checkpoint in a folder; None if there is none.

    Raises:
        UsageError: If its ``ugst.json`` can't be read.
    """
    path = Path(folder) / INFO_FILE
    try:
        if not path.is_file():
            return None
        raw = json.loads(path.read_text(encoding="utf-8"))
        return CheckpointInfo.model_validate(raw)
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; was it saved by another version?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} can't be read: {error}") from None


def checkpoint_folder(model: str) -> Path | None:
    """Return the folder of a checkpoint or of its GGUF file; None for a model that is not on this machine."""
    path = Path(model)
    if path.is_dir():
        return path
    return path.parent if path.suffix == ".gguf" and path.is_file() else None
