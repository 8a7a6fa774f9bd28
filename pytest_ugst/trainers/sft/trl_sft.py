"""TRL's SFT trainer with a faster loss on the CPU.

Importing this module imports TRL, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.nn.functional import cross_entropy
from trl import SFTTrainer

from pytest_ugst.trainers.common.prefix_tree import IGNORED


class UgstSftTrainer(SFTTrainer):
    """TRL's trainer without its model card: ours goes with the checkpoint."""

    def create_model_card(self, *args: Any, **more: Any) -> None:
        """Write nothing."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch.

        On a CPU TRL scores every position against the whole vocabulary; only the completions need it.
        """
        if return_outputs or self.args.device.type != "cpu" or self.args.loss_type != "nll":
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        loss = completion_loss(model, inputs, num_items_in_batch)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            # The count is that of all processes, and their gradients are going to be averaged.
            loss = loss * self.accelerator.num_processes
        return loss


def completion_loss(model: Any, inputs: Mapping[str, Any], count: Any) -> Any:
    """Return the cross entropy of the completions of a batch.

    Args:
        model: A causal language model of transformers.
        inputs: The batch, with ``labels`` of -100 for all that is no completion.
        count: The number by which the sum is divided; the batch's own number of tokens if None.
    """
    labels = inputs["labels"][:, 1:]
    where = (labels != IGNORED).any(dim=0).nonzero().squeeze(1)
    wanted = {key: value for key, value in inputs.items() if key != "labels"}
    logits = model(**wanted, use_cache=False, logits_to_keep=where).logits
    total = cross_entropy(logits.flatten(0, 1).float(), labels[:, where].flatten(), reduction="sum")
    return total / (count if count is not None else (labels != IGNORED).sum().clamp(min=1))
