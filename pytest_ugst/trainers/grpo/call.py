"""The arguments of ``ugst train grpo``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_ugst.config.settings import check_mode
from pytest_ugst.trainers.common.bases import find_base
from pytest_ugst.trainers.common.run_folder import RunFolder, RunRecord
from pytest_ugst.trainers.data.folder import data_digest
from pytest_ugst.trainers.grpo.options import GrpoOptions

STEPS_FOLDER = "steps"
"""In the output folder: checkpoints, each of which can be played and resumed from."""
_FREE = frozenset({"checks", "keep", "log_every", "report_to", "save_every", "max_error_share"})
"""Options that may differ when a run goes on: they change nothing that is learned, or the record holds their effect."""


@dataclass(frozen=True, slots=True)
class GrpoCall:
    """The arguments of a training."""

    model: str
    """The model to start from: a checkpoint folder, or a hub name."""
    dataset: Path
    """The folder of the training data."""
    judge: str
    agent: str | None
    """The agent that answers; None leaves sampled utterances without an answer."""
    out: Path
    options: GrpoOptions
    resume: bool = False
    data: Path | None = None
    """The folder in which benchmark data is looked for first."""
    home: str = ".ugst"
    """The folder of the response cache."""

    @property
    def replies(self) -> bool:
        """Whether the agent answers sampled utterances before they are judged."""
        return self.options.reply if self.options.reply is not None else self.agent is not None

    def open_folder(self) -> RunFolder:
        """Check that ``out`` is free, or holds the run that is to go on.

        Raises:
            UsageError: If it is not, or can't be written.
        """
        settings = {
            "model": str(find_base(self.model).path or self.model),
            "data": data_digest(self.dataset),
            "judge": self.judge,
            "checks": check_mode(self.options.checks, self.judge),
            "agent": self.agent,
        }
        record = RunRecord("grpo", settings, self.options.model_dump(mode="json"), _FREE)
        return RunFolder.open(self.out, record, resume=self.resume, checkpoints=STEPS_FOLDER)
