"""The arguments of ``ugst train sft`` and ``ugst train judge``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_ugst.trainers.common.bases import find_base
from pytest_ugst.trainers.common.run_folder import RunFolder, RunRecord
from pytest_ugst.trainers.data.folder import data_digest
from pytest_ugst.trainers.sft.options import SftOptions

_FREE = frozenset({"keep", "log_every", "report_to", "save_every", "sampling"})
"""Options that may differ when a run goes on: they change nothing that is learned."""


@dataclass(frozen=True, slots=True)
class SftCall:
    """The arguments of a training."""

    model: str
    """The model to start from, as for :func:`pytest_ugst.trainers.common.bases.find_base`."""
    dataset: Path
    """The folder of the training data."""
    out: Path
    options: SftOptions
    resume: bool = False
    kind: Literal["simulator", "judge"] = "simulator"
    """The role that the model is trained for."""
    data: Path | None = None
    """The folder in which benchmark data is looked for first."""

    def open_folder(self) -> RunFolder:
        """Check that ``out`` is free, or holds the run that is to go on.

        Raises:
            UsageError: If it is not, or can't be written.
        """
        settings = {
            "kind": self.kind,
            "model": str(find_base(self.model).path or self.model),
            "data": data_digest(self.dataset),
        }
        record = RunRecord("sft", settings, self.options.model_dump(mode="json"), _FREE)
        return RunFolder.open(self.out, record, resume=self.resume)
