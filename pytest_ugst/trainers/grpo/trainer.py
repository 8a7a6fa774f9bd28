"""A run of TRL's GRPO trainer: its configuration, the printed progress, when it stops, and what is saved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.checkpoint_info import CheckpointInfo, read_checkpoint_info
from pytest_ugst.trainers.common.bases import load_model
from pytest_ugst.trainers.common.callbacks import progress_callback
from pytest_ugst.trainers.common.checkpoint import describe_checkpoint, save_trained_model
from pytest_ugst.trainers.common.launching import processes
from pytest_ugst.trainers.common.lora import lora_config
from pytest_ugst.trainers.common.training import run_training
from pytest_ugst.trainers.data.lineage import extended_lineage
from pytest_ugst.trainers.grpo.call import GrpoCall
from pytest_ugst.trainers.grpo.completion_log import CompletionLog
from pytest_ugst.trainers.grpo.reward.reward import TurnReward
from pytest_ugst.trainers.grpo.reward_function import RewardFunction
from pytest_ugst.trainers.grpo.rollouts import Rollouts

if TYPE_CHECKING:
    from pytest_ugst.roles.background import BackgroundRoles
    from pytest_ugst.trainers.common.run_folder import RunFolder
    from pytest_ugst.trainers.common.tokens import PromptTokens
    from pytest_ugst.trainers.data.folder import TrainingData
    from pytest_ugst.trainers.grpo.samples import PromptSamples


class GrpoRun:
    """A run of the trainer."""

    def __init__(
        self,
        call: GrpoCall,
        folder: RunFolder,
        data: TrainingData,
        tokens: PromptTokens,
        samples: PromptSamples,
        reward: TurnReward,
        roles: BackgroundRoles,
    ) -> None:
        """Load the model and set up the trainer.

        Args:
            call: The model and the options.
            folder: The run's folder.
            data: The training data.
            tokens: Tokenizes prompts.
            samples: The prompts to train on.
            reward: Judges completions.
            roles: The event loop that judge and agent run in.

        Raises:
            UsageError: If the model can't be loaded, or the options don't fit together.
        """
        from transformers import PrinterCallback

        self._call, self._options, self._folder, self._data, self._tokens = call, call.options, folder, data, tokens
        self._samples = {sample.id: sample for sample in samples.chosen}
        self._reward, self._roles = reward, roles
        self.rewards = RewardFunction(reward, roles, self._samples, call.options.max_error_share)
        """The reward function, with the time that it took."""
        self._trainer = self._make_trainer()
        self._trainer.remove_callback(PrinterCallback)  # ours prints the same in a line
        self._log = CompletionLog(folder.folder, self._trainer.accelerator.process_index)
        self.rewards.attach(self._trainer.eos_token_ids, self._log)

    def train(self) -> str | None:
        """Train to the end, and save.

        Returns:
            The reason why it stopped early, or None.

        Raises:
            UsageError: If the disk is full; what was saved before is whole.
        """
        folder, resume = self._folder, self._call.resume
        checkpoint = folder.last_checkpoint() if resume else None
        self._log.forget_after(folder.last_step() if resume else 0)
        run_training(self._trainer, checkpoint, folder.checkpoints)
        if self._trainer.is_world_process_zero():
            self._save()
        self._trainer.accelerator.wait_for_everyone()
        return self.rewards.stopped

    def _make_trainer(self) -> Any:
        import torch
        from datasets import Dataset

        from pytest_ugst.trainers.grpo.trl_grpo import UgstGrpoTrainer

        o = self._options
        gpu = torch.cuda.is_available()
        prompts = [{"prompt": list(sample.prompt), "sample": name} for name, sample in self._samples.items()]
        rollouts = None
        if o.multi_turn:
            os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
            beginnings = list(self._samples.values())
            rollouts = Rollouts(beginnings, self._tokens, self._reward, self._roles, o.max_turns)
        try:
            return UgstGrpoTrainer(
                tokens=self._tokens,
                share=o.share_prompts,
                half=bool(o.bf16) and not gpu,
                model=load_model(self._call.model),
                reward_funcs=[self.rewards.as_function()],
                args=self._config(gpu),
                train_dataset=Dataset.from_list(prompts),
                processing_class=self._tokens.tokenizer,
                callbacks=self._callbacks(),
                peft_config=lora_config(o.lora_rank, o.lora_alpha, o.lora_targets),
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
            "output_dir": str(self._folder.checkpoints),
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

    def _callbacks(self) -> list[Any]:
        from transformers import TrainerCallback

        run = self

        class StopOnErrors(TrainerCallback):
            """Stops training where a reward function asks for it: an exception would end it with nothing saved."""

            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
                if run.rewards.stopped is not None:
                    control.should_training_stop = True
                    control.should_save = True
                return control

        class DescribeCheckpoints(TrainerCallback):
            """Describes each checkpoint, so that one on the way is played as the last one is."""

            def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if state.is_world_process_zero:
                    checkpoint = run._folder.checkpoints / f"checkpoint-{state.global_step}"
                    describe_checkpoint(checkpoint, run._info(state.global_step), run._data.prompt_files())

        return [StopOnErrors(), progress_callback(_progress_line), DescribeCheckpoints()]

    def _info(self, steps: int) -> CheckpointInfo:
        """Return the description of a checkpoint after that many optimizer steps."""
        model, options = self._call.model, self._options
        base = read_checkpoint_info(model) if Path(model).is_dir() else None
        sampling = base.sampling if base is not None else {"max_tokens": options.max_completion_tokens}
        return CheckpointInfo(
            reasoning=self._data.info.reasoning,
            prompts=self._data.info.prompts,
            sampling=sampling,
            lineage=extended_lineage("grpo", model, self._data, steps=steps, options=options.model_dump(mode="json")),
        )

    def _save(self) -> None:
        save_trained_model(
            self._trainer,
            self._tokens.tokenizer,
            self._folder.folder,
            self._info(self._trainer.state.global_step),
            self._data.prompt_files(),
            merge=bool(self._options.lora_rank) and self._options.merge,
        )


def _progress_line(step: int, steps: int, logs: Mapping[str, Any]) -> str | None:
    def number(name: str) -> str:
        value = logs.get(name)
        return f"{value:.3f}" if isinstance(value, int | float) else "-"

    if "reward" not in logs:
        return None
    return (
        f"ugst: step {step}/{steps}: reward {number('reward')} (std {number('reward_std')}), faults "
        f"{number('ugst/fault')}, errors {number('ugst/error')}, {number('completions/mean_length')} tokens, "
        f"{number('step_time')} s"
    )
