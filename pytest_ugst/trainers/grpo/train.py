"""Stage 3: GRPO with rewards from user goal state tracking, on TRL's trainer.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 5.3 and appendix C; the
algorithm is that of "DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.roles.background import BackgroundRoles
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.trainers.common.bases import load_tokenizer, require_libraries
from pytest_ugst.trainers.common.memory import keep_memory
from pytest_ugst.trainers.common.tokens import PromptTokens
from pytest_ugst.trainers.data.contamination import require_apart, suite_goals
from pytest_ugst.trainers.data.examples import completion_text
from pytest_ugst.trainers.data.folder import TrainingData, read_data
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.trainers.grpo.reward.indicators import RewardWeights
from pytest_ugst.trainers.grpo.reward.replies import Replies
from pytest_ugst.trainers.grpo.reward.reward import TurnReward
from pytest_ugst.trainers.grpo.reward.shaping import Shaping
from pytest_ugst.trainers.grpo.reward.wording import ModelWording
from pytest_ugst.trainers.grpo.run import SERVERS, GrpoRun
from pytest_ugst.trainers.grpo.samples import PromptSamples, choose

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.registry import Registry


@dataclass(frozen=True, slots=True)
class GrpoCall:
    """One call of ``ugst train grpo``."""

    model: str
    """A checkpoint folder, or a hub name."""
    data: Path
    judge: str
    agent: str | None
    """Who answers; None leaves sampled utterances without an answer."""
    out: Path
    options: GrpoOptions
    resume: bool = False
    data_dir: Path | None = None
    """Where benchmark data is looked for first."""
    home: str = ".ugst"
    """The folder of the response cache."""


def train_grpo(call: GrpoCall, registry: Registry | None = None) -> Path:
    """Train, and save the model.

    Args:
        call: What to train, on what, with whom.
        registry: The names that judge and agent may have; the built-in ones unless given.

    Returns:
        The folder of the trained model.

    Raises:
        UsageError: For what the user has to mend, before the first step.
        UgstError: If training stopped because too many completions got no verdict; what was learned is saved.
    """
    require_libraries()
    _quiet()
    keep_memory()
    options = call.options
    run = GrpoRun(call.out)
    registry = registry or builtin_registry(call.data_dir)
    settings = _settings(call)
    reply = options.reply if options.reply is not None else call.agent is not None
    if (reply or options.multi_turn) and call.agent is None:
        raise UsageError("an agent has to answer, and none is named; set --agent, or reply: false")
    data = read_data(call.data)
    require_apart({e.goal.id: e.goal.text for e in data.episodes.values()}, suite_goals(registry), str(call.data))
    tokens = PromptTokens(load_tokenizer(call.model), options.trl.get("chat_template_kwargs"))
    if data.info.reasoning == "think":
        tokens.require(completion_text("a", "b"))
    samples = _samples(data, options, tokens)
    record = run.check(call.model, call.data, call.judge, call.agent, options, resume=call.resume)
    with BackgroundRoles(settings, registry, ("judge", "agent") if reply else ("judge",), call.out / SERVERS) as live:
        goals = {s.place.episode.goal.id: s.place.episode.goal for s in samples.chosen}
        live.check_goals(goals.values(), agent=reply)
        opened = tokens.opens_thinking(samples.chosen[0].prompt)
        reward = replace(_reward(call, live, reply), opened=opened, thinks=data.info.reasoning == "think")
        from pytest_ugst.trainers.grpo.trainer import Training

        training = Training(call.model, run, options, data, tokens, samples, reward, live)
        run.begin(record)
        if (stopped := training.train(resume=call.resume)) is not None:
            raise UgstError(f"{stopped}; what was learned is in {call.out}; go on with --resume")
    return call.out


def _settings(call: GrpoCall) -> Options:
    return settings_here(judge=call.judge, agent=call.agent, dir=call.home, seed=call.options.seed)


def _reward(call: GrpoCall, live: BackgroundRoles, reply: bool) -> TurnReward:
    o, resolver = call.options, live.resolver
    replies = None
    if reply:
        by_model: Any = "tools" if resolver.is_model("agent") else "respond"
        replies = Replies(resolver.agent, resolver.domain, by_model if o.replay == "auto" else o.replay)
    wording = None
    if o.naturalness or o.coherence:
        if not resolver.is_model("judge"):
            raise UsageError(f"naturalness and coherence are told by a judge model; --judge {call.judge} is none")
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
    samples = choose(
        data.train,
        data.episodes,
        lambda prompt: len(tokens.ids(prompt)),
        count=o.samples,
        max_tokens=o.max_prompt_tokens,
        first_turns_only=o.multi_turn,
        seed=o.seed,
    )
    turns = ", ".join(f"{count} of turn {turn}" for turn, count in samples.by_turn().items())
    left = "".join(f"; {count} left out: {why}" for why, count in samples.left_out.items())
    print(f"ugst: {counted(len(samples.chosen), 'sample')} ({turns}){left}", flush=True)
    return samples


def _quiet() -> None:
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # TRL shows the whole prompt of a completion without reward; the log of completions says why there is none.
    logger = logging.getLogger("trl.trainer.grpo_trainer")
    logger.addFilter(lambda record: "All reward functions returned None" not in record.getMessage())
    # Of TRL's own use of transformers; nothing that can be done about it here.
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m pytest_ugst.trainers.grpo``: as ``ugst train grpo``, for accelerate and other launchers."""
    from pytest_ugst.trainers.common.launching import run_module
    from pytest_ugst.trainers.grpo.command import add_arguments, run

    return run_module("grpo", add_arguments, run, argv)
