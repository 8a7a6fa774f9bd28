"""A run of TRL's SFT trainer: batches, evaluation, checkpoints, the printed progress, and what is saved."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.checkpoint_info import CheckpointInfo
from pytest_ugst.trainers.common.bases import load_model
from pytest_ugst.trainers.common.callbacks import progress_callback
from pytest_ugst.trainers.common.checkpoint import save_trained_model
from pytest_ugst.trainers.common.launching import processes
from pytest_ugst.trainers.common.lora import lora_config
from pytest_ugst.trainers.common.prefix_tree import PrefixTree, build_trees, collate_trees
from pytest_ugst.trainers.common.training import run_training
from pytest_ugst.trainers.data.lineage import extended_lineage
from pytest_ugst.trainers.sft.call import SftCall

if TYPE_CHECKING:
    from pytest_ugst.trainers.common.run_folder import RunFolder
    from pytest_ugst.trainers.data.folder import TrainingData
    from pytest_ugst.trainers.sft.encoding import EncodedExample, ExampleEncoder

Items = list[dict[str, Any]]
"""The examples as the trainer's data set has them, or trees of examples."""
_HEADROOM = 1.5  # times the longest completion, for what the model may say in play


class SftRun:
    """A run of the trainer."""

    def __init__(
        self,
        call: SftCall,
        folder: RunFolder,
        data: TrainingData,
        encoder: ExampleEncoder,
        parts: Mapping[str, list[EncodedExample]],
    ) -> None:
        """Load the model and set up the trainer.

        Args:
            call: The model and the options.
            folder: The run's folder.
            data: The training data.
            encoder: The encoder that encoded its examples.
            parts: The encoded examples by part.

        Raises:
            UsageError: If the model can't be loaded, or the options don't fit together.
        """
        self._call, self._folder, self._data, self._encoder, self._parts = call, folder, data, encoder, parts
        self._options = call.options
        self._trainer = self._make()

    @property
    def trainer(self) -> Any:
        """TRL's trainer."""
        return self._trainer

    def train(self) -> None:
        """Train to the end, and save.

        Raises:
            UsageError: If the disk is full; what was saved before is whole.
        """
        checkpoint = self._folder.last_checkpoint() if self._call.resume else None
        started = time.monotonic()
        run_training(self._trainer, checkpoint, self._call.out)
        if self._trainer.is_world_process_zero():
            self._save()
            print(f"ugst: trained in {time.monotonic() - started:.0f} s; saved in {self._call.out}", flush=True)
        self._trainer.accelerator.wait_for_everyone()

    def _make(self) -> Any:
        from transformers import EarlyStoppingCallback, PrinterCallback

        from pytest_ugst.trainers.sft.trl_sft import UgstSftTrainer

        o = self._options
        items, held_out = (self._items(self._parts[part]) for part in ("train", "eval"))
        model = load_model(self._call.model, **({"attn_implementation": "sdpa"} if o.share_prefixes else {}))
        callbacks = [progress_callback(_progress_line)]
        if o.patience and held_out:
            callbacks.append(EarlyStoppingCallback(o.patience))
        args = self._config(self._batch_size(items), len(items), bool(held_out))
        try:
            trainer = UgstSftTrainer(
                model=model,
                args=args,
                train_dataset=_dataset(items),
                eval_dataset=_dataset(held_out) if held_out else None,
                processing_class=self._encoder.tokenizer,
                data_collator=self._collator() if o.share_prefixes else None,
                callbacks=callbacks,
                peft_config=lora_config(o.lora_rank, o.lora_alpha, o.lora_targets),
            )
        except (OSError, ValueError, ImportError) as error:
            raise UsageError(f"the trainer can't be set up: {one_line(str(error), 300)}") from error
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _items(self, examples: Sequence[EncodedExample]) -> Items:
        """Return what batches are made of: examples, or trees of the examples of one conversation."""
        if not self._options.share_prefixes:
            return [{"input_ids": example.input_ids, "labels": example.labels} for example in examples]
        trees: list[PrefixTree] = []
        for _, group in groupby(examples, key=lambda example: example.episode):
            trees += build_trees([(e.prompt, e.completion) for e in group], self._options.tree_tokens)
        return [
            {"input_ids": t.input_ids, "labels": t.labels, "position_ids": t.position_ids, "parents": t.parents}
            for t in trees
        ]

    def _batch_size(self, items: Items) -> int:
        """Return how many items make a batch, over all processes.

        Raises:
            UsageError: If a batch can't be cut into micro-batches.
        """
        o = self._options
        at_once = o.micro_batch * processes()
        if not o.share_prefixes:
            if o.batch % at_once:
                raise UsageError(
                    f"a batch of {o.batch} rows can't be cut into micro-batches of {o.micro_batch} on "
                    f"{processes()} process(es); set micro_batch to a divisor"
                )
            return o.batch
        examples = self._parts["train"]
        if os.environ.get("RANK", "0") == "0":
            tokens, whole = sum(len(item["input_ids"]) for item in items), sum(map(len, examples))
            print(
                f"ugst: {len(examples)} rows in {len(items)} trees; {tokens} tokens are read in place of {whole}",
                flush=True,
            )
        batch = max(1, round(o.batch * len(items) / len(examples)))
        return max(1, batch // at_once) * at_once

    def _config(self, batch: int, items: int, evaluate: bool) -> Any:
        """Return TRL's configuration.

        Args:
            batch: Items of a batch, over all processes.
            items: Items in all.
            evaluate: Whether there are held-out goals.

        Raises:
            UsageError: If the options don't fit together.
        """
        import torch
        from trl import SFTConfig

        o = self._options
        gpu = torch.cuda.is_available()
        steps = math.ceil(items / batch) * o.epochs if not o.max_steps else o.max_steps
        fields: dict[str, Any] = {
            "output_dir": str(self._call.out),
            "num_train_epochs": o.epochs,
            "max_steps": o.max_steps or -1,
            "per_device_train_batch_size": o.micro_batch,
            "per_device_eval_batch_size": o.micro_batch,
            "gradient_accumulation_steps": batch // (o.micro_batch * processes()),
            "learning_rate": o.learning_rate,
            "lr_scheduler_type": o.scheduler,
            "warmup_steps": math.ceil(o.warmup_share * steps),
            "weight_decay": o.weight_decay,
            "max_grad_norm": o.max_grad_norm,
            "seed": o.seed,
            "bf16": _fast_in_bf16(gpu) if o.bf16 is None else o.bf16,
            "use_cpu": not gpu,
            "gradient_checkpointing": o.gradient_checkpointing,
            "max_length": None,  # longer examples were left out: a cut one would teach to stop anywhere
            "packing": False,
            "dataset_kwargs": {"skip_prepare_dataset": True},
            "remove_unused_columns": not o.share_prefixes,
            "eval_strategy": o.schedule if evaluate else "no",
            "eval_steps": o.eval_every or None,
            "prediction_loss_only": True,
            "save_strategy": "steps" if o.save_every else "epoch",
            "save_steps": o.save_every or 500,
            "save_total_limit": o.keep,
            "logging_steps": o.log_every,
            "report_to": o.report_to,
            "disable_tqdm": True,
        }
        if o.patience:
            if not evaluate:
                raise UsageError(
                    "patience needs rows of held-out goals, and the data has none; make it with --eval-share"
                )
            fields |= {
                "load_best_model_at_end": True,
                "metric_for_best_model": "eval_loss",
                "greater_is_better": False,
                "save_strategy": o.schedule,
                "save_steps": o.eval_every or 500,
                "save_total_limit": max(2, o.keep),
            }
        try:
            return SFTConfig(**fields | o.trl)
        except (TypeError, ValueError) as error:
            raise UsageError(f"TRL refuses the options: {one_line(str(error), 300)}") from None

    def _collator(self) -> Any:
        tokenizer = self._encoder.tokenizer
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

        def collate(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            trees = [PrefixTree(i["input_ids"], i["position_ids"], i["parents"], i["labels"]) for i in items]
            return collate_trees(trees, pad)

        return collate

    def _save(self) -> None:
        call, options = self._call, self._options
        sampling = {"max_tokens": 64 * math.ceil(_HEADROOM * self._encoder.longest_completion / 64), **options.sampling}
        steps = self._trainer.state.global_step
        info = CheckpointInfo(
            role=call.kind,
            reasoning=self._data.info.reasoning if call.kind == "simulator" else "none",
            prompts=self._data.info.prompts,
            sampling=sampling,
            lineage=extended_lineage(
                "sft", call.model, self._data, steps=steps, options=options.model_dump(mode="json")
            ),
        )
        save_trained_model(
            self._trainer,
            self._encoder.tokenizer,
            call.out,
            info,
            self._data.prompt_files(),
            merge=bool(options.lora_rank) and options.merge,
        )


def _fast_in_bf16(gpu: bool) -> bool:
    """Return whether this machine computes in bfloat16 faster than in full precision."""
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return gpu or bool(supported is not None and supported())


def _dataset(items: Items) -> Any:
    from datasets import Dataset

    return Dataset.from_list([dict(item) for item in items])


def _progress_line(step: int, steps: int, logs: Mapping[str, Any]) -> str | None:
    if "loss" in logs:
        return (
            f"ugst: step {step}/{steps}: loss {float(logs['loss']):.4f}, learning rate "
            f"{float(logs.get('learning_rate', 0.0)):.2e}, gradient {float(logs.get('grad_norm', 0.0)):.2f}"
        )
    if "eval_loss" in logs:
        return f"ugst: step {step}/{steps}: loss on held-out goals {float(logs['eval_loss']):.4f}"
    return None
