"""TRL's GRPO trainer, with prompts tokenized once and computed once.

The methods that are overridden belong to TRL 1.16 and are not public, so the extra ``train`` asks for this version.
Importing this module imports TRL, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation
from trl.trainer.utils import pad, split_tensor_dict

from pytest_ugst.trainers.grpo import shared_prompts

if TYPE_CHECKING:
    from pytest_ugst.trainers.common.tokens import PromptTokens
    from pytest_ugst.trainers.grpo.rollouts import Rollout, Segment


class UgstGrpoTrainer(GRPOTrainer):
    """TRL's trainer with shared prompts and multi-turn sampling."""

    def __init__(self, *args: Any, tokens: PromptTokens, share: bool, half: bool = False, **more: Any) -> None:
        """Take TRL's arguments, and ours.

        Args:
            *args: TRL's arguments.
            tokens: Tokenizes prompts.
            share: Whether completions share the computation of their prompt; only where transformers generates in a
                single process, without gradient checkpointing.
            half: Whether the shared loss is computed in bfloat16 on a CPU. TRL would sample in it as well, which token
                by token is slower than in full precision.
            **more: TRL's arguments.
        """
        self.ugst_tokens = tokens
        self.ugst_share, self._half = False, half
        super().__init__(*args, **more)
        self._turns: dict[bytes, list[Segment]] = {}
        self._plain = not self.use_vllm and not self.use_transformers_continuous_batching
        self.ugst_share = (
            share and self._plain and self.accelerator.num_processes == 1 and not self.args.gradient_checkpointing
        )

    def create_model_card(self, *args: Any, **more: Any) -> None:
        """Write nothing: our card is written with the checkpoint."""

    # Multi-turn sampling, for :class:`pytest_ugst.trainers.grpo.rollouts.Rollouts`

    def ugst_turn_sampler(self, prompts: list[list[int]]) -> Callable[[list[int], list[list[int]]], Any]:
        """Return a function that samples the next turn of some of several conversations.

        Args:
            prompts: The beginnings of the conversations.

        Returns:
            A function of the conversations' numbers and their contexts. It returns the completions, and their
            log-probabilities or None.
        """
        if not self._plain:
            return lambda which, contexts: self._generate_single_turn(contexts, None, {}, 1)
        sampler: shared_prompts.TurnSampler | None = None

        def sample(which: list[int], contexts: list[list[int]]) -> Any:
            nonlocal sampler
            with self._generating_model() as model:
                if sampler is None:
                    filler = self._tokenizer.pad_token_id
                    sampler = shared_prompts.TurnSampler(model, prompts, self.generation_config, filler)
                return self._up_to_end(sampler.sample(model, which, contexts)), None

        return sample

    def ugst_keep_turns(self, prompts: list[list[int]], rollouts: Sequence[Rollout]) -> None:
        """Keep the turns of the conversations that are learned from next."""
        self._turns = {
            _key(torch.tensor(prompt + rollout.completion_ids)): rollout.segments
            for prompt, rollout in zip(prompts, rollouts, strict=True)
        }

    def _generating_model(self) -> Any:
        return unwrap_model_for_generation(
            self.model_wrapped, self.accelerator, generation_kwargs=self.generation_kwargs
        )

    def _precision(self) -> Any:
        return torch.autocast("cpu", dtype=torch.bfloat16) if self._half else self.accelerator.autocast()

    def _up_to_end(self, completions: Any) -> list[list[int]]:
        """Return completions as lists, each up to and with the first token that ends it."""
        ends = set(self.eos_token_ids)
        return [
            next((ids[: at + 1] for at, token in enumerate(ids) if token in ends), ids) for ids in completions.tolist()
        ]

    # Methods of TRL

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return [self.ugst_tokens.ids(prompt) for prompt in prompts], None, {}

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        if not (self.ugst_share and self.model.training):
            return super()._prepare_inputs(generation_batch)
        # As TRL does it, but unshuffled: completions of one prompt stay in one micro-batch. All of them are part of the
        # same optimizer step, to which their order is nothing.
        steps = self.args.steps_per_generation
        if self._step % (steps * self.num_iterations) == 0 or getattr(self, "_buffered_inputs", None) is None:
            scored = self._generate_and_score_completions(generation_batch)
            self._buffered_inputs = split_tensor_dict(scored, steps)
        return self._buffered_inputs[self._step % steps]

    def _generate_single_turn(
        self, prompt_ids: list[list[int]], images: Any, fields: Any, num_generations: int, **more: Any
    ) -> Any:
        if not self.ugst_share or images is not None or fields:
            return super()._generate_single_turn(prompt_ids, images, fields, num_generations, **more)
        device, filler = self.accelerator.device, self._tokenizer.pad_token_id
        rows = [torch.tensor(ids) for ids in prompt_ids]
        ids = pad(rows, padding_value=filler, padding_side="left").to(device)
        mask = pad([torch.ones_like(row) for row in rows], padding_value=0, padding_side="left").to(device)
        with self._generating_model() as model, torch.no_grad():
            first, of = shared_prompts.unique_prompts(ids[:, :-1], mask[:, :-1])
            cache = shared_prompts.read_prompts(model, ids[first, :-1], mask[first, :-1], of)
            shared_prompts.make_room(cache, 1 + self.max_completion_length)
            sequences = model.generate(
                input_ids=ids, attention_mask=mask, past_key_values=cache, generation_config=self.generation_config
            )
        return self._up_to_end(sequences[:, ids.size(1) :]), None

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, **more: Any
    ) -> Any:
        batch, entropy, aux = (more.pop(n, None) for n in ("batch_size", "compute_entropy", "compute_aux_loss"))
        if self.rollout_func is not None:
            logps, entropies = self._turns_log_probs(model, input_ids, attention_mask, logits_to_keep)
        elif not self.ugst_share or aux or any(value is not None for value in more.values()):
            more |= {"batch_size": batch, "compute_entropy": bool(entropy), "compute_aux_loss": bool(aux)}
            return super()._get_per_token_logps_and_entropies(model, input_ids, attention_mask, logits_to_keep, **more)
        else:
            size = batch or input_ids.size(0)
            logps, entropies = self._shared_log_probs(model, input_ids, attention_mask, logits_to_keep, size)
        return logps.float(), entropies.float() if entropy else None, None

    def _turns_log_probs(self, model: Any, input_ids: Any, attention_mask: Any, keep: int) -> Any:
        """Compute log-probabilities and entropies of whole conversations, each turn after its own context."""
        rows = [self._turns[_key(ids[known.bool()])] for ids, known in zip(input_ids, attention_mask, strict=True)]
        with self._precision():
            return shared_prompts.turns_log_probs(model, rows, keep, self._tokenizer.pad_token_id)

    def _shared_log_probs(self, model: Any, input_ids: Any, attention_mask: Any, keep: int, size: int) -> Any:
        """Compute log-probabilities and entropies of completions that share their prompts, ``size`` at a time."""
        parts = []
        for start in range(0, input_ids.size(0), size):
            rows = slice(start, start + size)
            with self._precision():
                parts.append(shared_prompts.log_probs(model, input_ids[rows], attention_mask[rows], keep))
        return tuple(torch.cat(part) for part in zip(*parts, strict=True))


def _key(ids: Any) -> bytes:
    """Return a key for a row of tokens."""
    key: bytes = ids.cpu().numpy().tobytes()
    return key
