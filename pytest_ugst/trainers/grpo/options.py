"""The options of GRPO, in the order of the help."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pytest_ugst.core.base import Frozen
from pytest_ugst.trainers.grpo.reward.indicators import ALPHA
from pytest_ugst.trainers.grpo.samples import COUNT, MAX_TOKENS


class GrpoOptions(Frozen):
    """The options that a model is trained with. A preset is a YAML mapping of them."""

    # Samples
    samples: int = Field(default=COUNT, ge=1, description="prompts to draw from, balanced over turns")
    max_prompt_tokens: int = Field(default=MAX_TOKENS, ge=1, description="longer prompts are left out")
    seed: int = Field(default=0, ge=0, description="seed of everything that is drawn")

    # Steps
    steps: int = Field(default=350, ge=1, description="optimizer steps")
    batch: int = Field(default=16, ge=1, description="prompts a step, over all processes")
    rollouts: int = Field(default=8, ge=2, description="completions of each prompt")
    micro_batch: int = Field(default=8, ge=1, description="completions in one forward pass of one process")
    learning_rate: float = Field(default=5e-6, gt=0.0, description="peak learning rate")
    scheduler: str = Field(default="linear", description="learning rate schedule, as transformers names it")
    warmup_steps: int = Field(default=0, ge=0, description="steps to the peak")
    beta: float = Field(default=0.0, ge=0.0, description="weight of the KL term towards the starting model")
    loss: Literal["dapo", "grpo", "dr_grpo", "bnpo", "cispo", "sapo", "luspo", "vespo"] = Field(
        default="dapo", description="TRL's loss_type"
    )
    scale_rewards: Literal["group", "batch", "none"] = Field(default="group", description="TRL's scale_rewards")
    max_grad_norm: float = Field(default=1.0, gt=0.0, description="gradient clipping")

    # Sampling
    temperature: float = Field(default=1.0, gt=0.0, description="of the sampled completions")
    top_p: float = Field(default=1.0, gt=0.0, le=1.0, description="of the sampled completions")
    max_completion_tokens: int = Field(default=512, ge=1, description="of a completion, reasoning included")
    multi_turn: bool = Field(
        default=False, description="sample whole conversations with the agent, rewarded by the final goal state"
    )
    max_turns: int | None = Field(default=None, ge=1, description="turns of a multi-turn rollout, if not the goal's")
    vllm: Literal["off", "colocate", "server"] = Field(
        default="off", description="let vLLM generate, in this process or as the server of 'trl vllm-serve'"
    )
    vllm_url: str | None = Field(default=None, description="address of that server")
    vllm_memory: float = Field(default=0.3, gt=0.0, lt=1.0, description="share of GPU memory for a colocated vLLM")

    # Reward
    reply: bool | None = Field(
        default=None, description="let the agent answer a sampled utterance before it is judged (if one is named)"
    )
    replay: Literal["auto", "respond", "tools"] = Field(
        default="auto", description="how the conversation so far is played again for the agent"
    )
    checks: Literal["auto", "decide", "beside", "off"] = Field(
        default="auto", description="what the checks of goals do beside the judge, as --ugst-checks"
    )
    weight_profile: float = Field(default=ALPHA, description="alpha of the profile condition")
    weight_policy: float = Field(default=ALPHA, description="alpha of the policy condition")
    weight_objective: float = Field(default=ALPHA, description="alpha of the objective condition")
    weight_requirement: float = Field(default=ALPHA, description="alpha of the requirement condition")
    weight_preference: float = Field(default=ALPHA, description="alpha of the preference condition")
    graded: bool = Field(default=False, description="a condition counts the share of its sub-components")
    length_penalty: float = Field(default=0.0, ge=0.0, description="for utterances of more than max_words")
    max_words: int = Field(default=60, ge=1, description="words of an utterance without penalty")
    thought_penalty: float = Field(default=0.0, ge=0.0, description="for reasoning of more than max_thought_words")
    max_thought_words: int = Field(default=150, ge=1, description="words of reasoning without penalty")
    repetition_penalty: float = Field(default=0.0, ge=0.0, description="for saying the same again")
    termination_penalty: float = Field(
        default=0.0, ge=0.0, description="for ending early, ending with a question, or not ending when all is done"
    )
    naturalness: float = Field(default=0.0, ge=0.0, description="weight of the judge's score of naturalness")
    coherence: float = Field(default=0.0, ge=0.0, description="weight of the judge's score of coherence")
    max_error_share: float = Field(
        default=0.2, ge=0.0, le=1.0, description="stop when more of the last completions got no verdict"
    )

    # Model
    lora_rank: int = Field(default=0, ge=0, description="rank of a LoRA adapter; 0 trains all weights")
    lora_alpha: int = Field(default=32, ge=1, description="LoRA's alpha")
    lora_targets: str = Field(default="all-linear", description="modules with an adapter, separated by commas")
    merge: bool = Field(default=True, description="merge the adapter into the saved model")
    bf16: bool | None = Field(
        default=None, description="train in bfloat16; on a CPU the loss alone (default: on a GPU)"
    )
    share_prompts: bool = Field(default=True, description="compute a prompt once for all of its completions")
    gradient_checkpointing: bool = Field(default=False, description="less memory, more computing")

    # Keeping
    save_every: int = Field(default=50, ge=1, description="steps between checkpoints")
    keep: int = Field(default=2, ge=1, description="checkpoints to keep")
    log_every: int = Field(default=1, ge=1, description="steps between lines of the log")
    report_to: str = Field(default="none", description="trackers, as transformers names them")
    trl: dict[str, Any] = Field(default_factory=dict, description="more fields of TRL's GRPOConfig")

    @property
    def completions(self) -> int:
        """The number of completions a step, over all processes."""
        return self.batch * self.rollouts
