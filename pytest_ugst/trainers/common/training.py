"""The training itself, on a trainer of transformers: from the start, or from a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_ugst.trainers.common.disk import report_save_errors


def run_training(trainer: Any, checkpoint: Path | None, folder: Path) -> None:
    """Train to the end.

    Args:
        trainer: A trainer of transformers.
        checkpoint: The checkpoint to go on from; None trains from the start.
        folder: Where checkpoints are saved, for messages.

    Raises:
        UsageError: If the disk is full; what was saved before is whole.
    """
    from transformers import TrainerState

    if checkpoint is not None and not (trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled):
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        if 0 < state.max_steps <= state.global_step:
            # All steps were trained, and then something failed, such as saving the model at the end. Transformers
            # would train one step more, unless the last one ended an epoch.
            trainer._load_from_checkpoint(str(checkpoint))
            trainer.state = state
            if trainer.args.load_best_model_at_end and state.best_model_checkpoint is not None:
                trainer._load_best_model()
            return
    with report_save_errors(folder):
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
