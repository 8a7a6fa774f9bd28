"""The options of SFT, in the order of the help."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pytest_ugst.core.base import Frozen


class SftOptions(Frozen):
    """The options that a model is trained with. A preset is a YAML mapping of them."""

    # Steps
    epochs: float = Field(default=4.0, gt=0.0, description="times all rows are seen")
    max_steps: int = Field(default=0, ge=0, description="optimizer steps, whatever the epochs; 0 for no limit")
    batch: int = Field(default=32, ge=1, description="rows a step, over all processes")
    micro_batch: int = Field(default=1, ge=1, description="rows (or trees) in one forward pass of one process")
    learning_rate: float = Field(default=1e-6, gt=0.0, description="peak learning rate")
    scheduler: str = Field(default="linear", description="learning rate schedule, as transformers names it")
    warmup_share: float = Field(default=0.0, ge=0.0, lt=1.0, description="share of the steps until the peak")
    weight_decay: float = Field(default=0.0, ge=0.0, description="AdamW's")
    max_grad_norm: float = Field(default=1.0, gt=0.0, description="gradient clipping")
    seed: int = Field(default=0, ge=0, description="seed of everything that is drawn")

    # Examples
    max_tokens: int = Field(default=2048, ge=8, description="longer rows are left out")
    share_prefixes: bool = Field(
        default=False,
        description="lay the rows of a conversation out as one tree, so that what they share is read once",
    )
    tree_tokens: int = Field(default=2048, ge=8, description="tokens of a tree, at most")

    # Model
    lora_rank: int = Field(default=0, ge=0, description="rank of a LoRA adapter; 0 trains all weights")
    lora_alpha: int = Field(default=32, ge=1, description="LoRA's alpha")
    lora_targets: str = Field(default="all-linear", description="modules with an adapter, separated by commas")
    merge: bool = Field(default=True, description="merge the adapter into the saved model")
    bf16: bool | None = Field(
        default=None, description="compute in bfloat16 (default: on a GPU, or a CPU with instructions for it)"
    )
    gradient_checkpointing: bool = Field(default=False, description="less memory, more computing")

    # Evaluating and keeping
    eval_every: int = Field(default=0, ge=0, description="steps between evaluations on held-out goals; 0: each epoch")
    patience: int = Field(
        default=0,
        ge=0,
        description="evaluations without a better loss until training stops, with the best model kept; "
        "0 never stops early",
    )
    save_every: int = Field(default=0, ge=0, description="steps between checkpoints to resume from; 0: each epoch")
    keep: int = Field(default=1, ge=1, description="checkpoints to keep")
    log_every: int = Field(default=1, ge=1, description="steps between lines of the log")
    report_to: str = Field(default="none", description="trackers, as transformers names them")
    sampling: dict[str, Any] = Field(
        default_factory=dict, description="how the checkpoint samples in play, such as temperature=0.7"
    )
    trl: dict[str, Any] = Field(default_factory=dict, description="more fields of TRL's SFTConfig")

    @property
    def schedule(self) -> Literal["epoch", "steps"]:
        """The times at which the model is evaluated."""
        return "steps" if self.eval_every else "epoch"
