"""The reward of equation 3: a sampled turn is judged as the next one of its conversation.

The judges are those of a test run: checks where a sub-component carries one, the judge model for the rest, all
completions of a batch side by side, through the same cache and limits. A missing verdict gives no reward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Judge, UserTurn
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.trainers.grpo.reward.completions import ParsedCompletion, parse_completion
from pytest_ugst.trainers.grpo.reward.indicators import Indicators, RewardWeights, indicators
from pytest_ugst.trainers.grpo.reward.replies import Replies
from pytest_ugst.trainers.grpo.reward.shaping import Shaping, ShapingInput


@dataclass(frozen=True, slots=True)
class PromptState:
    """The state of a recorded conversation in which the user speaks."""

    episode: Episode
    turn: int
    """The number of the turn that is to be sampled, from 1."""

    @property
    def before(self) -> Conversation:
        """The conversation before the turn, C_{i-1}."""
        return Conversation(turns=self.episode.conversation.turns[: self.turn - 1])

    @property
    def goal_state(self) -> GoalState:
        """The goal state before the turn, S_{i-1}, without what was judged because the conversation ended."""
        episode, last = self.episode, self.turn - 1
        if last < len(episode.conversation.turns):
            return episode.state(last)
        due = {c.id for c in episode.components if c.check is not None and c.check.once is not None}
        kept: list[Verdict] = []
        for verdict in episode.verdicts:
            # Of the last turn's verdicts on such a rule the first was given after the turn, the second at the end.
            again = any(v.component == verdict.component and v.turn == verdict.turn for v in kept)
            if not (verdict.component in due and verdict.turn == last and again):
                kept.append(verdict)
        return GoalState.fold(episode.components, kept, last, episode.broken_off)


@dataclass(frozen=True, slots=True)
class JudgedCompletion:
    """A completion with its reward."""

    parsed: ParsedCompletion
    reward: float | None
    """The reward; None where a judge or the agent failed: then nothing is learned from the completion."""
    indicators: Indicators | None = None
    turn: Turn | None = None
    """The turn as it was judged, with the agent's answer."""
    ended: bool = False
    verdicts: tuple[Verdict, ...] = ()
    shaping: dict[str, float] = field(default_factory=dict)
    error: str | None = None

    def record(self) -> dict[str, Any]:
        """Return JSON-like data for the log."""
        turn = self.turn
        return {
            "reward": self.reward,
            "fault": self.parsed.format_error,
            "indicators": None if self.indicators is None else {c.value: v for c, v in self.indicators},
            "shaping": self.shaping,
            "ended": self.ended,
            "said": None if turn is None else turn.user,
            "answer": None if turn is None else turn.agent,
            "tools": [] if turn is None else [[c.name, c.arguments, c.ok] for c in turn.tool_calls],
            "verdicts": [
                {"component": v.component, "status": v.status, "error": v.error, "why": v.reasoning}
                for v in self.verdicts
            ],
            "error": self.error,
        }


@dataclass(slots=True)
class TurnReward:
    """The judges of sampled turns, and what a turn earns."""

    judge: Judge
    checks: ChecksJudge
    replies: Replies | None = None
    """The agent's answers to sampled utterances before they are judged; None leaves them without an answer."""
    weights: RewardWeights = field(default_factory=RewardWeights)
    shaping: Shaping = field(default_factory=Shaping)
    opened: bool = False
    """Whether the chat template writes ``<think>`` itself."""
    thinks: bool = True
    """Whether completions hold reasoning."""

    async def judge_all(
        self, prompt_states: Sequence[PromptState], texts: Sequence[str], finished: Sequence[bool]
    ) -> list[JudgedCompletion]:
        """Judge completions, all at once.

        Args:
            prompt_states: For each completion the state of its conversation.
            texts: The completions.
            finished: For each completion whether it ended by itself, and not by the token limit.
        """
        # Equal completions are judged once: a group that has collapsed costs no more than one of its members.
        tasks: dict[tuple[str, int, str, bool], asyncio.Task[JudgedCompletion]] = {}
        wanted = []
        for prompt_state, text, done in zip(prompt_states, texts, finished, strict=True):
            key = (prompt_state.episode.id, prompt_state.turn, text, done)
            if key not in tasks:
                tasks[key] = asyncio.create_task(self.judge_one(prompt_state, text, done))
            wanted.append(tasks[key])
        try:
            return list(await asyncio.gather(*wanted))
        finally:
            for task in tasks.values():
                task.cancel()

    async def judge_one(self, prompt_state: PromptState, text: str, finished: bool = True) -> JudgedCompletion:
        """Judge one completion. Whatever fails ends up in :attr:`JudgedCompletion.error`."""
        before = prompt_state.before
        parsed = parse_completion(text, before, finished=finished, opened=self.opened, thinks=self.thinks)
        if parsed.turn is None:
            return JudgedCompletion(parsed, 0.0)
        try:
            return await self._judge(prompt_state, before, parsed)
        except UgstError as error:
            return JudgedCompletion(parsed, None, error=str(error))
        except Exception as error:  # anyone's agent or judge may be plugged in
            return JudgedCompletion(parsed, None, error=f"{type(error).__name__}: {error}")

    async def _judge(
        self, prompt_state: PromptState, before: Conversation, parsed: ParsedCompletion
    ) -> JudgedCompletion:
        user = parsed.turn
        assert user is not None
        if not user.text and not before.turns:  # the conversation is over before it began
            return JudgedCompletion(parsed, 0.0, ended=True, error=None)
        turn = await self._answered(prompt_state, before, user)
        conversation = before if turn is None else before.with_turn(turn)
        ended = user.stop is not None or prompt_state.turn >= prompt_state.episode.max_turns
        if ended:
            stop = user.stop or StopReason.TURN_LIMIT
            conversation = conversation.model_copy(update={"stop": stop, "closing": user.closing})
        state = prompt_state.goal_state
        verdicts = await self.verdicts(state, conversation, prompt_state.turn, spoke=turn is not None, ended=ended)
        met = indicators(state, verdicts, ended=ended, silent=turn is None, graded=self.shaping.graded)
        reward = met.total(self.weights)
        if reward is None:
            error = next((v.error for v in verdicts if v.error), "a verdict is missing")
            return JudgedCompletion(parsed, None, met, turn, ended, verdicts, error=error)
        goal = prompt_state.episode.goal.text
        terms = await self.shaping.terms(ShapingInput(parsed, user, goal, before, conversation, state, met, ended))
        if None in terms.values():
            return JudgedCompletion(parsed, None, met, turn, ended, verdicts, error="the judge of the wording failed")
        known = {name: value for name, value in terms.items() if value is not None}
        return JudgedCompletion(parsed, reward + sum(known.values()), met, turn, ended, verdicts, known)

    async def _answered(self, prompt_state: PromptState, before: Conversation, user: UserTurn) -> Turn | None:
        """Return the turn with the agent's answer, if there is to be one; None for a termination message alone."""
        if not user.text:
            return None
        turn = Turn(user=user.text, user_reasoning=user.reasoning)
        if self.replies is not None and user.stop is None:
            turn = await self.replies.answer(prompt_state.episode, before, turn)
        return turn

    async def verdicts(
        self, state: GoalState, conversation: Conversation, number: int, *, spoke: bool, ended: bool
    ) -> tuple[Verdict, ...]:
        """Have the open sub-components judged after turn ``number``.

        Args:
            state: The goal state before the turn.
            conversation: The conversation with the turn.
            number: The turn's number, from 1.
            spoke: Whether there is such a turn; a termination message of its own is no turn.
            ended: Whether the conversation is over, so that ``once`` rules fall due.
        """
        open_ones = state.open()
        checked = [c for c in open_ones if self.checks.decides(c, self.judge)]
        verdicts: list[Verdict] = []
        if spoke:
            judged = [c for c in open_ones if not self.checks.decides(c, self.judge)]
            verdicts += self.checks.verdicts(checked, conversation, number)
            if judged:
                verdicts += await self._ask(judged, conversation, number)
        if ended:
            verdicts += self.checks.finish(checked, conversation)
        return tuple(verdicts)

    async def _ask(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        wanted = {c.id for c in components}
        verdicts = await self.judge.judge(components, conversation, turn)
        return [v for v in verdicts if v.component in wanted and v.turn == turn]
