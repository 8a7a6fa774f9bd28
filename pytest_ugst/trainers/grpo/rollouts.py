"""Multi-turn sampling: whole conversations with the live agent, rewarded by the final goal state.

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
from pytest_ugst.trainers.grpo.reward.completions import ParsedCompletion, read_completion
from pytest_ugst.trainers.grpo.reward.indicators import Indicators, indicators
from pytest_ugst.trainers.grpo.reward.reward import JudgedCompletion, TurnReward
from pytest_ugst.trainers.grpo.reward.shaping import ShapingInput

if TYPE_CHECKING:
    from pytest_ugst.core.protocols import Session
    from pytest_ugst.roles.background import BackgroundRoles
    from pytest_ugst.trainers.common.tokens import PromptTokens
    from pytest_ugst.trainers.grpo.samples import PromptSample

Segment = tuple[list[int], list[int]]
"""One turn: the tokens that were read, and those that were said."""


@dataclass(slots=True)
class Rollout:
    """One conversation that is being sampled."""

    sample: PromptSample
    session: Session
    max_turns: int
    conversation: Conversation = field(default_factory=Conversation)
    segments: list[Segment] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    spoken: list[ParsedCompletion] = field(default_factory=list)
    error: str | None = None
    """What the agent failed of."""
    over: bool = False

    @property
    def messages(self) -> list[dict[str, str]]:
        """What the model reads now."""
        messages = [dict(m) for m in self.sample.prompt]
        for turn in self.conversation.turns:
            messages += [{"role": "assistant", "content": turn.user}, {"role": "user", "content": turn.agent or ""}]
        return messages

    @property
    def said(self) -> list[int]:
        """All tokens the model said."""
        return [token for _, said in self.segments for token in said]


class Rollouts:
    """Samples conversations, as a ``rollout_func`` of TRL."""

    def __init__(
        self,
        samples: Sequence[PromptSample],
        tokens: PromptTokens,
        reward: TurnReward,
        live: BackgroundRoles,
        max_turns: int | None,
    ) -> None:
        """Nothing is sampled yet.

        Args:
            samples: Beginnings of conversations.
            tokens: Tokenizes what is read.
            reward: Whose agent answers.
            live: Where it runs.
            max_turns: Of a conversation; as in the recorded one unless given.
        """
        self._by_prompt = {_key(sample.prompt): sample for sample in samples}
        self._tokens, self._reward, self._live, self._max_turns = tokens, reward, live, max_turns

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """Sample a conversation for each prompt, all side by side."""
        replies = self._reward.replies
        assert replies is not None
        rollouts = []
        for prompt in prompts:
            sample = self._by_prompt[_key(prompt)]
            episode = sample.place.episode
            rollouts.append(Rollout(sample, replies.open(episode), self._max_turns or episode.max_turns))
        heads = [self._tokens.ids(rollout.sample.prompt) for rollout in rollouts]
        speak = trainer.ugst_speaker(heads)
        while active := [number for number, rollout in enumerate(rollouts) if not rollout.over]:
            contexts = [self._tokens.ids(rollouts[number].messages) for number in active]
            said, logprobs = speak(active, contexts)
            for place, (number, context, ids) in enumerate(zip(active, contexts, said, strict=True)):
                self._hear(rollouts[number], context, ids, trainer)
                rollouts[number].logprobs += logprobs[place] if logprobs is not None else []
            self._live.run(self._answer([rollouts[number] for number in active if not rollouts[number].over]))
        trainer.ugst_remember(heads, rollouts)
        return {
            "prompt_ids": heads,
            "completion_ids": [rollout.said for rollout in rollouts],
            "logprobs": [rollout.logprobs for rollout in rollouts] if rollouts[0].logprobs else None,
            "rollout": rollouts,
        }

    def _hear(self, rollout: Rollout, context: list[int], ids: list[int], trainer: Any) -> None:
        rollout.segments.append((context, ids))
        finished = bool(ids) and ids[-1] in trainer.eos_token_ids
        text = self._tokens.tokenizer.decode(ids, skip_special_tokens=True)
        reward = self._reward
        before = rollout.conversation
        spoken = read_completion(text, before, finished=finished, opened=reward.opened, thinks=reward.thinks)
        rollout.spoken.append(spoken)
        if spoken.turn is None:
            rollout.over = True
            return
        if spoken.turn.text:
            turn = Turn(user=spoken.turn.text, user_reasoning=spoken.turn.reasoning)
            rollout.conversation = rollout.conversation.with_turn(turn)
        if spoken.turn.stop is not None:
            rollout.over = True
            update = {"stop": spoken.turn.stop, "closing": spoken.turn.closing}
            rollout.conversation = rollout.conversation.model_copy(update=update)

    async def _answer(self, rollouts: Sequence[Rollout]) -> None:
        await asyncio.gather(*map(self._answer_one, rollouts))

    async def _answer_one(self, rollout: Rollout) -> None:
        replies = self._reward.replies
        assert replies is not None
        *earlier, turn = rollout.conversation.turns
        heard = tuple(t.model_copy(update={"user_reasoning": None}) for t in rollout.conversation.turns)
        try:
            answer = await replies.agent.respond(Conversation(turns=heard), rollout.session)
        except Exception as error:  # anyone's agent may be plugged in
            rollout.error = str(error) if isinstance(error, UgstError) else f"{type(error).__name__}: {error}"
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
    fault = next((spoken for spoken in rollout.spoken if spoken.fault is not None), None)
    conversation, last = rollout.conversation, rollout.spoken[-1]
    turn = conversation.turns[-1] if conversation.turns else None
    ended = conversation.stop is StopReason.USER_ENDED
    if fault is not None or turn is None:
        return JudgedCompletion(fault or last, 0.0, None, turn, ended)
    if rollout.error is not None:
        return JudgedCompletion(last, None, None, turn, ended, error=rollout.error)
    components = rollout.sample.place.episode.components
    tracker = GoalTracker(components, reward.judge, reward.checks)
    try:
        for number in range(1, len(conversation.turns) + 1):
            tracker.turn(conversation.up_to(number))
        verdicts = await tracker.finish(conversation)
        final = GoalState.fold(components, verdicts, len(conversation.turns))
        met = shares(final)
        total = met.total(reward.weights)
        if total is None:
            error = next((item.error for item in final if item.error), "a verdict is missing")
            return JudgedCompletion(last, None, met, turn, ended, verdicts, error=error)
        terms = await _terms(reward, rollout, GoalState.initial(components), verdicts)
    except Exception as error:  # a judge that can't be reached, or anyone's that is plugged in
        tracker.cancel()
        told = str(error) if isinstance(error, UgstError) else f"{type(error).__name__}: {error}"
        return JudgedCompletion(last, None, None, turn, ended, error=told)
    return JudgedCompletion(last, total + sum(terms.values()), met, turn, ended, verdicts, terms)


def shares(final: GoalState) -> Indicators:
    """By category, the share that counts as success; None where a status can't be told, 1 where there is nothing."""
    values: dict[str, float | None] = {}
    for category in Category:
        items = [item for item in final if item.category is category]
        unknown = any(item.error is not None for item in items)
        done = sum(item.succeeded for item in items)
        values[category.value] = None if unknown else done / len(items) if items else 1.0
    return Indicators(**values)


async def _terms(reward: TurnReward, rollout: Rollout, start: GoalState, verdicts: Sequence[Any]) -> dict[str, float]:
    """The shaping terms, averaged over the turns."""
    components = [item.component for item in start]
    sums: dict[str, float] = {}
    for number, spoken in enumerate(rollout.spoken, 1):
        said = spoken.turn
        assert said is not None
        before = rollout.conversation.up_to(number - 1) if number > 1 else Conversation()
        state = start if number == 1 else GoalState.fold(components, verdicts, number - 1)
        ended = number == len(rollout.spoken)
        about = [v for v in verdicts if v.turn == number]
        met = indicators(state, about, ended=ended, silent=not said.text)
        goal = rollout.sample.place.episode.goal.text
        outcome = ShapingInput(spoken, said, goal, before, rollout.conversation.up_to(number), state, met, ended)
        for name, value in (await reward.shaping.terms(outcome)).items():
            if value is None:
                raise UgstError("the judge of the wording failed")
            sums[name] = sums.get(name, 0.0) + value
    return {name: value / len(rollout.spoken) for name, value in sums.items()}


def _key(prompt: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(m["role"]), str(m["content"])) for m in prompt)
