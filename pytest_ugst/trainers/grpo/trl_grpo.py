"""TRL's GRPO trainer, with prompts tokenized once and computed once.

What is overridden are methods of TRL 1.16 that are not public, so the extra ``train`` asks for this version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ugst.trainers.grpo import shared_prompts

if TYPE_CHECKING:
    from pytest_ugst.trainers.common.tokens import PromptTokens
    from pytest_ugst.trainers.grpo.rollouts import Rollout, Segment


def trainer_class() -> type[Any]:
    """The class; a function because TRL takes seconds to import."""
    import torch
    from trl import GRPOTrainer
    from trl.models import unwrap_model_for_generation
    from trl.trainer.utils import pad, split_tensor_dict

    class UgstGrpoTrainer(GRPOTrainer):
        """See the module."""

        def __init__(self, *args: Any, tokens: PromptTokens, share: bool, half: bool = False, **more: Any) -> None:
            """Take TRL's arguments, and ours.

            Args:
                *args: TRL's.
                tokens: Tokenizes prompts.
                share: Whether completions share the computation of their prompt; only where transformers generates in
                    a single process, without gradient checkpointing.
                half: Whether the shared loss is computed in bfloat16 on a CPU. TRL would sample in it as well, which
                    token by token is slower than in full precision.
                **more: TRL's.
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
            """Ours is written with the checkpoint."""

        # Multi-turn sampling: what :class:`pytest_ugst.trainers.grpo.rollouts.Rollouts` asks for

        def ugst_speaker(self, heads: list[list[int]]) -> Callable[[list[int], list[list[int]]], Any]:
            """What samples the next turn of some of several conversations with these beginnings."""
            if not self._plain:
                return lambda which, contexts: self._generate_single_turn(contexts, None, {}, 1)
            speaker: shared_prompts.Speaker | None = None
            ends = set(self.eos_token_ids)

            def speak(which: list[int], contexts: list[list[int]]) -> Any:
                nonlocal speaker
                with unwrap_model_for_generation(
                    self.model_wrapped, self.accelerator, generation_kwargs=self.generation_kwargs
                ) as model:
                    if speaker is None:
                        filler = self._tokenizer.pad_token_id
                        speaker = shared_prompts.Speaker(model, heads, self.generation_config, filler)
                    said = speaker.speak(model, which, contexts)
                return [_up_to_end(line, ends) for line in said.tolist()], None

            return speak

        def ugst_remember(self, heads: list[list[int]], rollouts: Sequence[Rollout]) -> None:
            """Keep the turns of the conversations that are learned from next."""
            self._turns = {
                _key(torch.tensor(head + rollout.said)): rollout.segments
                for head, rollout in zip(heads, rollouts, strict=True)
            }

        def _precision(self) -> Any:
            return torch.autocast("cpu", dtype=torch.bfloat16) if self._half else self.accelerator.autocast()

        def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
            return [self.ugst_tokens.ids(prompt) for prompt in prompts], None, {}

        def _prepare_inputs(self, generation_batch: Any) -> Any:
            if not (self.ugst_share and self.model.training):
                return super()._prepare_inputs(generation_batch)
            # As TRL does it, but unshuffled: completions of one prompt stay in one micro-batch. All of them are part
            # of the same optimizer step, to which their order is nothing.
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
            with (
                unwrap_model_for_generation(
                    self.model_wrapped, self.accelerator, generation_kwargs=self.generation_kwargs
                ) as model,
                torch.no_grad(),
            ):
                first, of = shared_prompts.different(ids[:, :-1], mask[:, :-1])
                cache = shared_prompts.read_prompts(model, ids[first, :-1], mask[first, :-1], of)
                shared_prompts.make_room(cache, 1 + self.max_completion_length)
                said = model.generate(
                    input_ids=ids, attention_mask=mask, past_key_values=cache, generation_config=self.generation_config
                )[:, ids.size(1) :]
            ends = set(self.eos_token_ids)
            return [_up_to_end(line, ends) for line in said.tolist()], None

        def _get_per_token_logps_and_entropies(
            self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, **more: Any
        ) -> Any:
            batch, entropy, aux = (more.pop(n, None) for n in ("batch_size", "compute_entropy", "compute_aux_loss"))
            if self.rollout_func is not None:
                rows = [
                    self._turns[_key(ids[known.bool()])] for ids, known in zip(input_ids, attention_mask, strict=True)
                ]
                with self._precision():
                    filler = self._tokenizer.pad_token_id
                    logps, entropies = shared_prompts.turns_log_probs(model, rows, logits_to_keep, filler)
                return logps.float(), entropies.float() if entropy else None, None
            if not self.ugst_share or aux or any(value is not None for value in more.values()):
                more |= {"batch_size": batch, "compute_entropy": bool(entropy), "compute_aux_loss": bool(aux)}
                return super()._get_per_token_logps_and_entropies(
                    model, input_ids, attention_mask, logits_to_keep, **more
                )
            size = batch or input_ids.size(0)
            parts = []
            for start in range(0, input_ids.size(0), size):
                with self._precision():
                    parts.append(
                        shared_prompts.log_probs(
                            model, input_ids[start : start + size], attention_mask[start : start + size], logits_to_keep
                        )
                    )
            logps, entropies = (torch.cat(part).float() for part in zip(*parts, strict=True))
            return logps, entropies if entropy else None, None

    return UgstGrpoTrainer


def _key(ids: Any) -> bytes:
    """Tells one row of tokens from another."""
    key: bytes = ids.cpu().numpy().tobytes()
    return key


def _up_to_end(ids: list[int], ends: set[int]) -> list[int]:
    """A completion up to and with the first token that ends it."""
    return next((ids[: at + 1] for at, token in enumerate(ids) if token in ends), ids)
