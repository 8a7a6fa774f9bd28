"""Multi-turn sampling: whole conversations with the agent, rewarded by the final goal state.

In every turn the model reads what it would read in play: its instructions and what was said, without the reasoning of
earlier turns. So a conversation is no single sequence of tokens but several, each turn's words after that turn's
context; all of them learn from the conversation's one reward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import Category
from pytest_ugst.engine.goal_tracker import GoalTracker
from pytest_ugst.trainers.grpo.reward.completions import ParsedCompletion, parse_completion
from pytest_ugst.trainers.grpo.reward.indicators import Indicators, indicators
from pytest_ugst.trainers.grpo.reward.reward import JudgedCompletion, TurnReward
from pytest_ugst.trainers.grpo.reward.shaping import ShapingInput

if TYPE_CHECKING:
    from pytest_ugst.core.protocols import Session
    from pytest_ugst.roles.background import BackgroundRoles
    from pytest_ugst.trainers.common.tokens import PromptTokens
    from pytest_ugst.trainers.grpo.samples import PromptSample

Segment = tuple[list[int], list[int]]
"""The tokens of one turn: the context, and the completion."""


@dataclass(slots=True)
class Rollout:
    """A conversation that is being sampled."""

    sample: PromptSample
    session: Session
    max_turns: int
    conversation: Conversation = field(default_factory=Conversation)
    segments: list[Segment] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    parsed: list[ParsedCompletion] = field(default_factory=list)
    """The completions, turn by turn."""
    error: str | None = None
    """The reason why the agent failed."""
    over: bool = False

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages that the model reads before its next turn."""
        messages = [dict(m) for m in self.sample.prompt]
        for turn in self.conversation.turns:
            messages += [{"role": "assistant", "content": turn.user}, {"role": "user", "content": turn.agent or ""}]
        return messages

    @property
    def completion_ids(self) -> list[int]:
        """The tokens of all completions."""
        return [token for _, completion in self.segments for token in completion]


class Rollouts:
    """A sampler of conversations, to be called as a ``rollout_func`` of TRL."""

    def __init__(
        self,
        samples: Sequence[PromptSample],
        tokens: PromptTokens,
        reward: TurnReward,
        roles: BackgroundRoles,
        max_turns: int | None,
    ) -> None:
        """Set up the sampler; nothing is sampled yet.

        Args:
            samples: Beginnings of conversations.
            tokens: Tokenizes contexts.
            reward: The reward whose agent answers.
            roles: The event loop that the agent runs in.
            max_turns: Turns of a conversation; as in the recorded one unless given.
        """
        self._by_prompt = {_key(sample.prompt): sample for sample in samples}
        self._tokens, self._reward, self._roles, self._max_turns = tokens, reward, roles, max_turns

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """Sample a conversation for each prompt, all side by side.

        Args:
            prompts: The messages that the conversations begin with.
            trainer: The trainer of :mod:`pytest_ugst.trainers.grpo.trl_grpo`.

        Returns:
            By name what TRL asks for, and the rollouts for the reward function.
        """
        replies = self._reward.replies
        assert replies is not None
        rollouts = []
        for prompt in prompts:
            sample = self._by_prompt[_key(prompt)]
            episode = sample.prompt_state.episode
            rollouts.append(Rollout(sample, replies.open(episode), self._max_turns or episode.max_turns))
        prompt_ids = [self._tokens.ids(rollout.sample.prompt) for rollout in rollouts]
        sample_turns = trainer.ugst_turn_sampler(prompt_ids)
        while active := [number for number, rollout in enumerate(rollouts) if not rollout.over]:
            contexts = [self._tokens.ids(rollouts[number].messages) for number in active]
            completions, logprobs = sample_turns(active, contexts)
            for index, (number, context, ids) in enumerate(zip(active, contexts, completions, strict=True)):
                self._add_completion(rollouts[number], context, ids, trainer)
                rollouts[number].logprobs += logprobs[index] if logprobs is not None else []
            self._roles.run(self._answer([rollouts[number] for number in active if not rollouts[number].over]))
        trainer.ugst_keep_turns(prompt_ids, rollouts)
        return {
            "prompt_ids": prompt_ids,
            "completion_ids": [rollout.completion_ids for rollout in rollouts],
            "logprobs": [rollout.logprobs for rollout in rollouts] if rollouts[0].logprobs else None,
            "rollout": rollouts,
        }

    def _add_completion(self, rollout: Rollout, context: list[int], ids: list[int], trainer: Any) -> None:
        """Add a sampled completion to its conversation."""
        rollout.segments.append((context, ids))
        finished = bool(ids) and ids[-1] in trainer.eos_token_ids
        text = self._tokens.tokenizer.decode(ids, skip_special_tokens=True)
        reward = self._reward
        before = rollout.conversation
        parsed = parse_completion(text, before, finished=finished, opened=reward.opened, thinks=reward.thinks)
        rollout.parsed.append(parsed)
        if parsed.turn is None:
            rollout.over = True
            return
        if parsed.turn.text:
            turn = Turn(user=parsed.turn.text, user_reasoning=parsed.turn.reasoning)
            rollout.conversation = rollout.conversation.with_turn(turn)
        if parsed.turn.stop is not None:
            rollout.over = True
            update = {"stop": parsed.turn.stop, "closing": parsed.turn.closing}
            rollout.conversation = rollout.conversation.model_copy(update=update)

    async def _answer(self, rollouts: Sequence[Rollout]) -> None:
        await asyncio.gather(*map(self._answer_one, rollouts))

    async def _answer_one(self, rollout: Rollout) -> None:
        """Have the agent answer the last turn of a conversation."""
        replies = self._reward.replies
        assert replies is not None
        *earlier, turn = rollout.conversation.turns
        heard = tuple(t.model_copy(update={"user_reasoning": None}) for t in rollout.conversation.turns)
        try:
            answer = await replies.agent.respond(Conversation(turns=heard), rollout.session)
        except Exception as error:  # anyone's agent may be plugged in
            rollout.error = _message(error)
            rollout.over = True
            return
        answered = {"agent": answer.text, "tool_calls": answer.tool_calls, "agent_reasoning": answer.reasoning}
        turns = (*earlier, turn.model_copy(update=answered))
        rollout.over = len(turns) >= rollout.max_turns
        stop = StopReason.TURN_LIMIT if rollout.over else None
        rollout.conversation = Conversation(turns=turns, stop=stop)


async def judge_rollouts(reward: TurnReward, rollouts: Sequence[Rollout]) -> list[JudgedCompletion]:
    """Judge conversations from their first turn to the last, all at once.

    The indicators of a conversation are, by category, the shares of its sub-components that count as success in the
    final goal state; 1 where there is none. One with a turn of malformed reasoning earns nothing.
    """
    return list(await asyncio.gather(*(_judge(reward, rollout) for rollout in rollouts)))


async def _judge(reward: TurnReward, rollout: Rollout) -> JudgedCompletion:
    malformed = next((parsed for parsed in rollout.parsed if parsed.format_error is not None), None)
    conversation, last = rollout.conversation, rollout.parsed[-1]
    turn = conversation.turns[-1] if conversation.turns else None
    ended = conversation.stop is StopReason.USER_ENDED
    if malformed is not None or turn is None:
        return JudgedCompletion(malformed or last, 0.0, None, turn, ended)
    if rollout.error is not None:
        return JudgedCompletion(last, None, None, turn, ended, error=rollout.error)
    components = rollout.sample.prompt_state.episode.components
    tracker = GoalTracker(components, reward.judge, reward.checks)
    try:
        for number in range(1, len(conversation.turns) + 1):
            tracker.turn(conversation.up_to(number))
        verdicts = await tracker.finish(conversation)
        final = GoalState.fold(components, verdicts, len(conversation.turns))
        met = success_shares(final)
        total = met.total(reward.weights)
        if total is None:
            error = next((item.error for item in final if item.error), "a verdict is missing")
            return JudgedCompletion(last, None, met, turn, ended, verdicts, error=error)
        terms = await _terms(reward, rollout, GoalState.initial(components), verdicts)
    except Exception as error:  # a judge that can't be reached, or anyone's that is plugged in
        tracker.cancel()
        return JudgedCompletion(last, None, None, turn, ended, error=_message(error))
    return JudgedCompletion(last, total + sum(terms.values()), met, turn, ended, verdicts, terms)


def success_shares(final: GoalState) -> Indicators:
    """Return, by category, the share of sub-components that count as success.

    It is None where the status of one is unknown, and 1 where the category has none.
    """
    values: dict[str, float | None] = {}
    for category in Category:
        items = [item for item in final if item.category is category]
        unknown = any(item.error is not None for item in items)
        done = sum(item.succeeded for item in items)
        values[category.value] = None if unknown else done / len(items) if items else 1.0
    return Indicators(**values)


async def _terms(reward: TurnReward, rollout: Rollout, start: GoalState, verdicts: Sequence[Any]) -> dict[str, float]:
    """Return the shaping terms, averaged over the turns."""
    components = [item.component for item in start]
    sums: dict[str, float] = {}
    for number, parsed in enumerate(rollout.parsed, 1):
        user = parsed.turn
        assert user is not None
        before = rollout.conversation.up_to(number - 1) if number > 1 else Conversation()
        state = start if number == 1 else GoalState.fold(components, verdicts, number - 1)
        ended = number == len(rollout.parsed)
        about = [v for v in verdicts if v.turn == number]
        met = indicators(state, about, ended=ended, silent=not user.text)
        goal = rollout.sample.prompt_state.episode.goal.text
        shaping = ShapingInput(parsed, user, goal, before, rollout.conversation.up_to(number), state, met, ended)
        for name, value in (await reward.shaping.terms(shaping)).items():
            if value is None:
                raise UgstError("the judge of the wording failed")
            sums[name] = sums.get(name, 0.0) + value
    return {name: value / len(rollout.parsed) for name, value in sums.items()}


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, UgstError) else f"{type(error).__name__}: {error}"


def _key(prompt: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(m["role"]), str(m["content"])) for m in prompt)
