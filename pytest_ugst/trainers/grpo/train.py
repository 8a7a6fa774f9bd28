"""GRPO with rewards from user goal state tracking, on TRL's trainer: the third stage of training.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 5.3 and appendix C; the
algorithm is that of "DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models".
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.roles.background import BackgroundRoles
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.trainers.common.bases import load_tokenizer, require_libraries
from pytest_ugst.trainers.common.memory import keep_memory
from pytest_ugst.trainers.common.run_folder import SERVERS
from pytest_ugst.trainers.common.tokens import PromptTokens
from pytest_ugst.trainers.data.contamination import require_no_test_goals, suite_test_goals
from pytest_ugst.trainers.data.examples import completion_text
from pytest_ugst.trainers.data.folder import TrainingData, read_data
from pytest_ugst.trainers.grpo.call import GrpoCall
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.trainers.grpo.reward.indicators import RewardWeights
from pytest_ugst.trainers.grpo.reward.replies import Replies
from pytest_ugst.trainers.grpo.reward.reward import TurnReward
from pytest_ugst.trainers.grpo.reward.shaping import Shaping
from pytest_ugst.trainers.grpo.reward.wording import ModelWording
from pytest_ugst.trainers.grpo.samples import PromptSamples, choose_samples

if TYPE_CHECKING:
    from pytest_ugst.core.registry import Registry


def train_grpo(call: GrpoCall, registry: Registry | None = None) -> Path:
    """Train, and save the model.

    Args:
        call: The model, the data, the roles and the options.
        registry: The names that judge and agent may have; the built-in ones unless given.

    Returns:
        The folder of the trained model.

    Raises:
        UsageError: For what the user has to mend, before the first step; or if the disk is full.
        UgstError: If training stopped because too many completions got no verdict; what was learned is saved.
    """
    require_libraries()
    _silence_trl()
    keep_memory()
    options = call.options
    registry = registry or builtin_registry(call.data)
    settings = settings_here(
        judge=call.judge, checks=options.checks, agent=call.agent, dir=call.home, seed=options.seed
    )
    if (call.replies or options.multi_turn) and call.agent is None:
        raise UsageError("an agent has to answer, and none is named; set --agent, or reply: false")
    data = read_data(call.dataset)
    goals = {e.goal.id: e.goal.text for e in data.episodes.values()}
    require_no_test_goals(goals, suite_test_goals(registry), str(call.dataset))
    tokens = PromptTokens(load_tokenizer(call.model), options.trl.get("chat_template_kwargs"))
    if data.info.reasoning == "think":
        tokens.require(completion_text("a", "b"))
    samples = _samples(data, options, tokens)
    folder = call.open_folder()
    needed = ("judge", "agent") if call.replies else ("judge",)
    with BackgroundRoles(settings, registry, needed, call.out / SERVERS) as roles:
        sampled = {s.prompt_state.episode.goal.id: s.prompt_state.episode.goal for s in samples.chosen}
        roles.check_goals(sampled.values(), agent=call.replies)
        opened = tokens.opens_thinking(samples.chosen[0].prompt)
        reward = replace(_reward(call, roles), opened=opened, thinks=data.info.reasoning == "think")
        from pytest_ugst.trainers.grpo.trainer import GrpoRun

        run = GrpoRun(call, folder, data, tokens, samples, reward, roles)
        folder.begin()
        if (stopped := run.train()) is not None:
            raise UgstError(f"{stopped}; what was learned is in {call.out}; go on with --resume")
    return call.out


def _reward(call: GrpoCall, roles: BackgroundRoles) -> TurnReward:
    """Return the reward of the options, by the roles."""
    o, resolver = call.options, roles.resolver
    replies = None
    if call.replies:
        by_model: Any = "tools" if resolver.is_model("agent") else "respond"
        replies = Replies(resolver.agent, resolver.domain, by_model if o.replay == "auto" else o.replay)
    wording = None
    if o.naturalness or o.coherence:
        if not resolver.is_model("judge"):
            raise UsageError(f"naturalness and coherence are rated by a judge model; --judge {call.judge} is none")
        wording = ModelWording(resolver.chat(call.judge, "judge"), resolver.prompts)
    shaping = Shaping(
        graded=o.graded,
        length=o.length_penalty,
        max_words=o.max_words,
        thoughts=o.thought_penalty,
        max_thought_words=o.max_thought_words,
        repetition=o.repetition_penalty,
        termination=o.termination_penalty,
        naturalness=o.naturalness,
        coherence=o.coherence,
        wording=wording,
    )
    weights = RewardWeights(
        o.weight_profile, o.weight_policy, o.weight_objective, o.weight_requirement, o.weight_preference
    )
    return TurnReward(resolver.judge, resolver.checks, replies, weights, shaping)


def _samples(data: TrainingData, o: GrpoOptions, tokens: PromptTokens) -> PromptSamples:
    """Choose the samples, and print how many there are of each turn."""
    samples = choose_samples(
        data.train,
        data.episodes,
        lambda prompt: len(tokens.ids(prompt)),
        count=o.samples,
        max_tokens=o.max_prompt_tokens,
        first_turns_only=o.multi_turn,
        seed=o.seed,
    )
    turns = ", ".join(f"{count} of turn {turn}" for turn, count in samples.by_turn().items())
    left_out = "".join(f"; {count} left out: {reason}" for reason, count in samples.left_out.items())
    print(f"ugst: {counted(len(samples.chosen), 'sample')} ({turns}){left_out}", flush=True)
    return samples


def _silence_trl() -> None:
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # TRL shows the whole prompt of a completion without reward; the log of completions says why there is none.
    logger = logging.getLogger("trl.trainer.grpo_trainer")
    logger.addFilter(lambda record: "All reward functions returned None" not in record.getMessage())
    # Of TRL's own use of transformers; nothing that can be done about it here.
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
