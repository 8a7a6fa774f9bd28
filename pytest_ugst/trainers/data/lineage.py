"""The lineage of a checkpoint: the trainings that a model went through, each with its data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.version import __version__
from pytest_ugst.llm.checkpoint_info import TrainingStep, read_checkpoint_info

if TYPE_CHECKING:
    from pytest_ugst.trainers.data.folder import TrainingData


def lineage_of(model: str) -> tuple[TrainingStep, ...]:
    """Return the trainings that a model went through already; none for a model of other people's."""
    info = read_checkpoint_info(model) if Path(model).is_dir() else None
    return info.lineage if info is not None else ()


def extended_lineage(
    method: str, base: str, data: TrainingData, *, steps: int, options: Mapping[str, Any]
) -> tuple[TrainingStep, ...]:
    """Return the lineage of a model that was trained once more.

    Args:
        method: ``sft`` or ``grpo``.
        base: The model that was trained.
        data: The data it was trained on.
        steps: Optimizer steps.
        options: The options it was trained with.
    """
    step = TrainingStep(
        method=method,
        base=base,
        data=str(data.folder),
        data_digest=data.digest,
        episodes=len({example.episode for example in data.train}),
        rows=len(data.train),
        steps=steps,
        options=dict(options),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )
    return (*lineage_of(base), step)
