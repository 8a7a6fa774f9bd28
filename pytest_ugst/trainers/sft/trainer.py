"""TRL's SFT trainer at work: batches, evaluation, checkpoints, what is said meanwhile, what is saved."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.checkpoint_info import Trained
from pytest_ugst.trainers.common.bases import load_model
from pytest_ugst.trainers.common.checkpoint import lineage_of, next_step, prompt_files, save_checkpoint
from pytest_ugst.trainers.common.launching import processes
from pytest_ugst.trainers.common.prefix_tree import IGNORED, Tree, collate, grow
from pytest_ugst.trainers.sft.train import SftCall, last_step, told

if TYPE_CHECKING:
    from pytest_ugst.trainers.data.folder import TrainingData
    from pytest_ugst.trainers.sft.encoding import Encoded, ExampleEncoder

_ROOM = 1.5  # times the longest target, for what the model may say in play


class SftRun:
    """One run."""

    def __init__(
        self, call: SftCall, data: TrainingData, encoder: ExampleEncoder, parts: Mapping[str, list[Encoded]]
    ) -> None:
        """Load the model and set up the trainer.

        Raises:
            UsageError: If the model can't be loaded, or the options don't fit together.
        """
        self._call, self._data, self._encoder, self._parts = call, data, encoder, parts
        self._options = call.options
        self._trainer = self._make()

    @property
    def trainer(self) -> Any:
        """TRL's trainer."""
        return self._trainer

    def train(self) -> None:
        """Train to the end, and save.

        Raises:
            UsageError: If there is nothing to resume, or the disk is full.
        """
        checkpoint = last_step(self._call.out) if self._call.resume else None
        started = time.monotonic()
        try:
            self._trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        except (OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "space" not in str(error) and "write failed" not in str(error):
                raise
            raise UsageError(
                f"can't save to {self._call.out}: {told(error)}; free some space and go on with --resume"
            ) from None
        if self._trainer.is_world_process_zero():
            self._save()
            print(f"ugst: trained in {time.monotonic() - started:.0f} s; saved in {self._call.out}", flush=True)
        self._trainer.accelerator.wait_for_everyone()

    def _make(self) -> Any:
        import torch
        from transformers import PrinterCallback

        o = self._options
        gpu = torch.cuda.is_available()
        bf16 = _fast_in_bf16(gpu) if o.bf16 is None else o.bf16
        train, held_out = (self._items(self._parts[part]) for part in ("train", "eval"))
        model = load_model(self._call.model, **({"attn_implementation": "sdpa"} if o.share_prefixes else {}))
        lora = None
        if o.lora_rank:
            from peft import LoraConfig

            targets = o.lora_targets if o.lora_targets == "all-linear" else o.lora_targets.split(",")
            lora = LoraConfig(r=o.lora_rank, lora_alpha=o.lora_alpha, target_modules=targets, task_type="CAUSAL_LM")
        args = self._config(len(train), bool(held_out), gpu, bf16)
        try:
            trainer = _trainer_class()(
                model=model,
                args=args,
                train_dataset=_dataset(train),
                eval_dataset=_dataset(held_out) if held_out else None,
                processing_class=self._encoder.tokenizer,
                data_collator=self._collator() if o.share_prefixes else None,
                callbacks=self._callbacks(bool(held_out)),
                peft_config=lora,
            )
        except (OSError, ValueError, ImportError) as error:
            raise UsageError(f"the trainer can't be set up: {told(error)}") from error
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _items(self, rows: Sequence[Encoded]) -> list[dict[str, Any]]:
        """What one batch is made of: rows, or trees of the rows of one conversation."""
        if not self._options.share_prefixes:
            return [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
        trees: list[Tree] = []
        for _, group in groupby(rows, key=lambda row: row.episode):
            trees += grow([(row.prompt, row.completion) for row in group], self._options.tree_tokens)
        return [
            {"input_ids": t.input_ids, "labels": t.labels, "position_ids": t.position_ids, "parents": t.parents}
            for t in trees
        ]

    def _config(self, items: int, evaluate: bool, gpu: bool, bf16: bool) -> Any:
        from trl import SFTConfig

        o = self._options
        at_once = o.micro_batch * processes()
        rows = len(self._parts["train"])
        batch = max(1, round(o.batch * items / rows)) if o.share_prefixes else o.batch
        if o.share_prefixes:
            tokens = sum(len(item["input_ids"]) for item in self._items(self._parts["train"]))
            whole = sum(len(row) for row in self._parts["train"])
            if os.environ.get("RANK", "0") == "0":
                print(f"ugst: {rows} rows in {items} trees; {tokens} tokens are read in place of {whole}", flush=True)
            batch = max(1, batch // at_once) * at_once
        elif batch % at_once:
            raise UsageError(
                f"a batch of {batch} rows can't be cut into micro-batches of {o.micro_batch} on "
                f"{processes()} process(es); set micro_batch to a divisor"
            )
        steps = math.ceil(items / batch) * o.epochs if not o.max_steps else o.max_steps
        saves = "steps" if o.save_every else "epoch"
        fields: dict[str, Any] = {
            "output_dir": str(self._call.out),
            "num_train_epochs": o.epochs,
            "max_steps": o.max_steps or -1,
            "per_device_train_batch_size": o.micro_batch,
            "per_device_eval_batch_size": o.micro_batch,
            "gradient_accumulation_steps": batch // at_once,
            "learning_rate": o.learning_rate,
            "lr_scheduler_type": o.scheduler,
            "warmup_steps": math.ceil(o.warmup_share * steps),
            "weight_decay": o.weight_decay,
            "max_grad_norm": o.max_grad_norm,
            "seed": o.seed,
            "bf16": bf16,
            "use_cpu": not gpu,
            "gradient_checkpointing": o.gradient_checkpointing,
            "max_length": None,  # longer rows were left out: a cut one would teach to stop anywhere
            "packing": False,
            "dataset_kwargs": {"skip_prepare_dataset": True},
            "remove_unused_columns": not o.share_prefixes,
            "eval_strategy": o.schedule if evaluate else "no",
            "eval_steps": o.eval_every or None,
            "prediction_loss_only": True,
            "save_strategy": saves,
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
            raise UsageError(f"TRL refuses the options: {told(error)}") from None

    def _collator(self) -> Any:
        tokenizer = self._encoder.tokenizer
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

        def make(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            trees = [Tree(i["input_ids"], i["position_ids"], i["parents"], i["labels"]) for i in items]
            return collate(trees, pad)

        return make

    def _callbacks(self, evaluate: bool) -> list[Any]:
        from transformers import EarlyStoppingCallback, TrainerCallback

        class Tell(TrainerCallback):
            def on_log(
                self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any
            ) -> None:
                if state.is_world_process_zero and logs and (line := _line(state.global_step, state.max_steps, logs)):
                    print(line, flush=True)

        patience = self._options.patience
        return [Tell(), *([EarlyStoppingCallback(patience)] if patience and evaluate else [])]

    def _save(self) -> None:
        call, trainer = self._call, self._trainer
        model = trainer.accelerator.unwrap_model(trainer.model)
        if self._options.lora_rank and self._options.merge:
            model = model.merge_and_unload()
        _drop_trainer_patches(model)
        sampling = {"max_tokens": 64 * math.ceil(_ROOM * self._encoder.most / 64), **self._options.sampling}
        step = next_step(
            "sft",
            call.model,
            self._data,
            steps=trainer.state.global_step,
            options=call.options.model_dump(mode="json"),
        )
        trained = Trained(
            role=call.kind,
            reasoning=self._data.info.reasoning if call.kind == "simulator" else "none",
            prompts=self._data.info.prompts,
            sampling=sampling,
            lineage=(*lineage_of(call.model), step),
        )

        def save(folder: str) -> None:
            model.save_pretrained(folder)
            self._encoder.tokenizer.save_pretrained(folder)

        save_checkpoint(call.out, save, trained, prompt_files(self._data))


def _fast_in_bf16(gpu: bool) -> bool:
    """Whether this machine computes in bfloat16 faster than in full precision."""
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return gpu or bool(supported is not None and supported())


def _dataset(items: Sequence[Mapping[str, Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_list([dict(item) for item in items])


def _drop_trainer_patches(model: Any) -> None:
    """The cache is off while training; a saved configuration that says so would make play slow."""
    if hasattr(model, "config"):
        model.config.use_cache = True


def _line(step: int, steps: int, logs: Mapping[str, Any]) -> str | None:
    if "loss" in logs:
        return (
            f"ugst: step {step}/{steps}: loss {float(logs['loss']):.4f}, learning rate "
            f"{float(logs.get('learning_rate', 0.0)):.2e}, gradient {float(logs.get('grad_norm', 0.0)):.2f}"
        )
    if "eval_loss" in logs:
        return f"ugst: step {step}/{steps}: loss on held-out goals {float(logs['eval_loss']):.4f}"
    return None


def _target_loss(model: Any, inputs: Mapping[str, Any], count: Any) -> Any:
    """Cross entropy of the targets, their mean or their sum over ``count``."""
    from torch.nn.functional import cross_entropy

    labels = inputs["labels"][:, 1:]
    where = (labels != IGNORED).any(dim=0).nonzero().squeeze(1)
    wanted = {key: value for key, value in inputs.items() if key != "labels"}
    logits = model(**wanted, use_cache=False, logits_to_keep=where).logits
    total = cross_entropy(logits.flatten(0, 1).float(), labels[:, where].flatten(), reduction="sum")
    return total / (count if count is not None else (labels != IGNORED).sum().clamp(min=1))


def _trainer_class() -> type[Any]:
    from trl import SFTTrainer

    class UgstSftTrainer(SFTTrainer):
        """TRL's, with a faster loss on the CPU, and without its model card: ours is written with the checkpoint."""

        def create_model_card(self, *args: Any, **more: Any) -> None:
            """Nothing."""

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """On a CPU TRL scores every position against the whole vocabulary; only the targets need it."""
            if return_outputs or self.args.device.type != "cpu" or self.args.loss_type != "nll":
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            loss = _target_loss(model, inputs, num_items_in_batch)
            if num_items_in_batch is not None and self.args.average_tokens_across_devices:
                # The count is that of all processes, and their gradients are going to be averaged.
                loss = loss * self.accelerator.num_processes
            return loss

    return UgstSftTrainer
