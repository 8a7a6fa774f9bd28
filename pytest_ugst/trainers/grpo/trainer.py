"""TRL's GRPO trainer at work: rewards, what is logged, when it stops, what is saved."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.checkpoint_info import Trained, read_trained
from pytest_ugst.trainers.common.bases import load_model
from pytest_ugst.trainers.common.checkpoint import describe, lineage_of, next_step, prompt_files, save_checkpoint
from pytest_ugst.trainers.common.launching import processes
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.trainers.grpo.reward.reward import JudgedCompletion, TurnReward
from pytest_ugst.trainers.grpo.rollouts import Rollout, Rollouts, judge_rollouts
from pytest_ugst.trainers.grpo.run import GrpoRun
from pytest_ugst.trainers.grpo.trl_grpo import trainer_class

if TYPE_CHECKING:
    from pytest_ugst.roles.background import BackgroundRoles
    from pytest_ugst.trainers.common.tokens import PromptTokens
    from pytest_ugst.trainers.data.folder import TrainingData
    from pytest_ugst.trainers.grpo.samples import PromptSamples

_WINDOW = 3  # batches over which the share of errors is taken


class Training:
    """One run."""

    def __init__(
        self,
        model: str,
        run: GrpoRun,
        options: GrpoOptions,
        data: TrainingData,
        tokens: PromptTokens,
        samples: PromptSamples,
        reward: TurnReward,
        live: BackgroundRoles,
    ) -> None:
        """Load the model and set up the trainer.

        Raises:
            UsageError: If the model can't be loaded, or the options don't fit together.
        """
        from transformers import PrinterCallback

        self._model, self._run, self._options, self._data, self._tokens = model, run, options, data, tokens
        self._samples = {sample.id: sample for sample in samples.chosen}
        self._reward, self._live = reward, live
        self._recent: deque[tuple[int, int]] = deque(maxlen=_WINDOW)
        self._stopped: str | None = None
        self.judge_seconds = 0.0
        """Time spent waiting for rewards."""
        self._trainer = self._make(model)
        self._trainer.remove_callback(PrinterCallback)  # ours says the same in a line
        self._eos = frozenset(self._trainer.eos_token_ids)

    def train(self, *, resume: bool = False) -> str | None:
        """Train to the end, and save.

        Returns:
            Why it stopped early, or None.

        Raises:
            UsageError: If there is nothing to resume, or the disk is full.
        """
        checkpoint = self._run.last_checkpoint() if resume else None
        rank = self._trainer.accelerator.process_index
        step = 0 if checkpoint is None else int(checkpoint.name.rsplit("-", 1)[1])
        self._run.forget_after(step, rank)
        try:
            self._trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        except (OSError, RuntimeError) as error:
            # safetensors and torch tell of a full disk in errors of their own.
            full = ("no space", "os error 28", "write failed", "enforce fail")
            if isinstance(error, RuntimeError) and not any(sign in str(error).lower() for sign in full):
                raise
            raise UsageError(
                f"can't save to {self._run.steps}: {one_line(str(error), 200)}; what was saved before is whole. Free "
                "some space and go on with --resume"
            ) from None
        if self._trainer.is_world_process_zero():
            self._save()
        self._trainer.accelerator.wait_for_everyone()
        return self._stopped

    def _make(self, model: str) -> Any:
        import torch
        from datasets import Dataset

        o = self._options
        gpu = torch.cuda.is_available()
        rows = [{"prompt": list(sample.prompt), "sample": name} for name, sample in self._samples.items()]
        lora = None
        if o.lora_rank:
            from peft import LoraConfig

            targets = o.lora_targets if o.lora_targets == "all-linear" else o.lora_targets.split(",")
            lora = LoraConfig(r=o.lora_rank, lora_alpha=o.lora_alpha, target_modules=targets, task_type="CAUSAL_LM")
        rollouts = None
        if o.multi_turn:
            os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
            beginnings = list(self._samples.values())
            rollouts = Rollouts(beginnings, self._tokens, self._reward, self._live, o.max_turns)
        try:
            return trainer_class()(
                tokens=self._tokens,
                share=o.share_prompts,
                half=bool(o.bf16) and not gpu,
                model=load_model(model),
                reward_funcs=[self._reward_function()],
                args=self._config(gpu),
                train_dataset=Dataset.from_list(rows),
                processing_class=self._tokens.tokenizer,
                callbacks=self._callbacks(),
                peft_config=lora,
                rollout_func=rollouts,
            )
        except (OSError, ValueError, ImportError) as error:
            raise UsageError(f"the trainer can't be set up: {one_line(str(error), 300)}") from error

    def _config(self, gpu: bool) -> Any:
        from trl import GRPOConfig

        o = self._options
        at_once = o.micro_batch * processes()
        if o.completions % at_once:
            raise UsageError(
                f"batch x rollouts = {o.completions} completions a step can't be cut into micro-batches of "
                f"{o.micro_batch} on {processes()} process(es); set micro_batch to a divisor"
            )
        fields: dict[str, Any] = {
            "output_dir": str(self._run.steps),
            "max_steps": o.steps,
            "per_device_train_batch_size": o.micro_batch,
            "gradient_accumulation_steps": o.completions // at_once,
            "num_generations": o.rollouts,
            "learning_rate": o.learning_rate,
            "lr_scheduler_type": o.scheduler,
            "warmup_steps": o.warmup_steps,
            "beta": o.beta,
            "loss_type": o.loss,
            "scale_rewards": o.scale_rewards,
            "max_grad_norm": o.max_grad_norm,
            "temperature": o.temperature,
            "top_p": o.top_p,
            "max_completion_length": o.max_completion_tokens,
            "seed": o.seed,
            "bf16": gpu and o.bf16 is not False,
            "use_cpu": not gpu,
            "gradient_checkpointing": o.gradient_checkpointing,
            "save_steps": o.save_every,
            "save_total_limit": o.keep,
            "logging_steps": o.log_every,
            "report_to": o.report_to,
            "disable_tqdm": True,
            "remove_unused_columns": False,
        }
        if o.vllm != "off":
            fields |= {"use_vllm": True, "vllm_mode": o.vllm, "vllm_gpu_memory_utilization": o.vllm_memory}
            fields |= {"vllm_server_base_url": o.vllm_url} if o.vllm_url else {}
        try:
            return GRPOConfig(**fields | o.trl)
        except (TypeError, ValueError) as error:
            raise UsageError(f"TRL refuses the options: {one_line(str(error), 300)}") from None

    def _reward_function(self) -> Any:
        # Named by what it computes: TRL logs its mean as rewards/NAME/mean.
        def ugst(
            completions: Sequence[Any],
            completion_ids: Sequence[Sequence[int]],
            sample: Sequence[str],
            trainer_state: Any,
            log_extra: Any,
            log_metric: Any,
            rollout: Sequence[Rollout] | None = None,
            **_: Any,
        ) -> list[float | None]:
            started = time.perf_counter()
            texts = [str(completion[0]["content"]) for completion in completions]
            if rollout is not None:
                judged = self._live.run(judge_rollouts(self._reward, rollout))
            else:
                finished = [bool(ids) and ids[-1] in self._eos for ids in completion_ids]
                places = [self._samples[name].place for name in sample]
                judged = self._live.run(self._reward.judge_all(places, texts, finished))
            self.judge_seconds += time.perf_counter() - started
            self._note(trainer_state.global_step, sample, texts, judged, log_metric)
            log_extra("fault", [one.spoken.fault for one in judged])
            log_extra("error", [one.error for one in judged])
            return [one.reward for one in judged]

        return ugst

    def _note(
        self, step: int, names: Sequence[str], texts: Sequence[str], judged: Sequence[JudgedCompletion], log_metric: Any
    ) -> None:
        rank = self._trainer.accelerator.process_index
        records = [
            {"step": step, "sample": name, "text": text, **one.record()}
            for name, text, one in zip(names, texts, judged, strict=True)
        ]
        self._run.log(records, rank)
        for name, value in summary(judged).items():
            log_metric(name, value)
        self._count(step, sum(one.error is not None for one in judged), len(judged), judged)

    def _count(self, step: int, errors: int, asked: int, judged: Sequence[JudgedCompletion]) -> None:
        from accelerate.utils import gather_object

        counted = gather_object([(errors, asked)])  # all processes have to stop together
        self._recent.append((sum(e for e, _ in counted), sum(n for _, n in counted)))
        failed, total = (sum(part) for part in zip(*self._recent, strict=True))
        if errors:
            first = next(one.error for one in judged if one.error is not None)
            print(
                f"ugst: step {step}: {errors} of {asked} completions got no verdict: {one_line(first, 200)}", flush=True
            )
        if failed > self._options.max_error_share * total and self._stopped is None:
            self._stopped = (
                f"stopped at step {step}: {failed} of the last {total} completions got no verdict, more than the "
                f"{self._options.max_error_share:.0%} of max_error_share"
            )

    def _callbacks(self) -> list[Any]:
        from transformers import TrainerCallback

        training = self

        class Stop(TrainerCallback):  # an exception out of a reward would end training with nothing saved
            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
                if training._stopped is not None:
                    control.should_training_stop = True
                    control.should_save = True
                return control

        class Tell(TrainerCallback):
            def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
                logs: Mapping[str, Any] | None = more.get("logs")
                if state.is_world_process_zero and logs and "reward" in logs:
                    print(_line(state.global_step, state.max_steps, logs), flush=True)

        class Describe(TrainerCallback):  # so that a checkpoint on the way is played as the last one
            def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if state.is_world_process_zero:
                    folder = training._run.steps / f"checkpoint-{state.global_step}"
                    describe(folder, training._trained(state.global_step), prompt_files(training._data))

        return [Stop(), Tell(), Describe()]

    def _trained(self, steps: int) -> Trained:
        options = self._options.model_dump(mode="json")
        step = next_step("grpo", self._model, self._data, steps=steps, options=options)
        parent = read_trained(self._model) if Path(self._model).is_dir() else None
        sampling = parent.sampling if parent is not None else {"max_tokens": self._options.max_completion_tokens}
        return Trained(
            reasoning=self._data.info.reasoning,
            prompts=self._data.info.prompts,
            sampling=sampling,
            lineage=(*lineage_of(self._model), step),
        )

    def _save(self) -> None:
        trainer = self._trainer
        model = trainer.accelerator.unwrap_model(trainer.model)
        if self._options.lora_rank and self._options.merge:
            model = model.merge_and_unload()
        model.config.use_cache = True  # off while training; saved so, it would make play slow

        def save(folder: str) -> None:
            model.save_pretrained(folder)
            self._tokens.tokenizer.save_pretrained(folder)

        save_checkpoint(self._run.folder, save, self._trained(trainer.state.global_step), prompt_files(self._data))


def summary(judged: Sequence[JudgedCompletion]) -> dict[str, float]:
    """What a batch of completions was like, for the log: shares of faults, endings and errors, means of indicators."""
    count = len(judged)
    metrics = {
        "ugst/fault": sum(one.spoken.fault is not None for one in judged) / count,
        "ugst/ended": sum(one.ended for one in judged) / count,
        "ugst/error": sum(one.error is not None for one in judged) / count,
    }
    told: dict[str, list[float]] = {}
    for one in judged:
        for category, value in one.indicators or ():
            if value is not None:
                told.setdefault(f"ugst/{category.value}", []).append(value)
        for name, value in one.shaping.items():
            told.setdefault(f"ugst/shaping_{name}", []).append(value)
    return metrics | {name: sum(values) / len(values) for name, values in sorted(told.items())}


def _line(step: int, steps: int, logs: Mapping[str, Any]) -> str:
    def number(name: str) -> str:
        value = logs.get(name)
        return f"{value:.3f}" if isinstance(value, int | float) else "-"

    return (
        f"ugst: step {step}/{steps}: reward {number('reward')} (std {number('reward_std')}), faults "
        f"{number('ugst/fault')}, errors {number('ugst/error')}, {number('completions/mean_length')} tokens, "
        f"{number('step_time')} s"
    )
