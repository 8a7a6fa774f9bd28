"""The simulator played by a language model.

The three ways of prompting are those of "Goal Alignment in LLM-Based User Simulators for Conversational AI":
``none`` is equation 1, the goal in the system message alone; ``goal`` repeats the goal before every response
(appendix E); ``state`` is equation 2, with the latest goal state before every response. What is repeated goes into the
last message, so that all before it stays the same from turn to turn and a server's prefix cache can hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ugst.core.conversation import Closing, Conversation
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import ComponentState, GoalState
from pytest_ugst.core.protocols import UserTurn
from pytest_ugst.core.reasoning import join_reasoning, split_reasoning
from pytest_ugst.core.status import Category
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.termination import own_words, read_ending

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat, Message, Reply
    from pytest_ugst.core.registry import RoleContext

STEERING = ("none", "goal", "state")
"""The ways of prompting."""

_HEADINGS = {Category.PROFILE: "Who you are", Category.POLICY: "Your rules", Category.OBJECTIVE: "Your tasks"}


def make_llm_simulator(chat: Chat, context: RoleContext) -> LlmSimulatorFactory:
    """Return a factory of simulators played by a model, prompted as the context says.

    Raises:
        UsageError: For an unknown way of steering or a bad folder of prompts.
    """
    return LlmSimulatorFactory(chat, Prompts.load(context.prompts), context.steer, context.reasoning)


class LlmSimulatorFactory:
    """Factory of simulators that are played by one model."""

    def __init__(self, chat: Chat, prompts: Prompts, steer: str = "none", reasoning: bool = False) -> None:
        """Create a factory.

        Args:
            chat: The model.
            prompts: Templates of the instructions.
            steer: One of :data:`STEERING`.
            reasoning: Whether to have the model think before it speaks.

        Raises:
            UsageError: For an unknown way of steering.
        """
        if steer not in STEERING:
            raise UsageError(f"unknown way of steering {steer!r}; choose one of {', '.join(STEERING)}")
        self._chat, self._prompts, self._steer, self._reasoning = chat, prompts, steer, reasoning

    @property
    def name(self) -> str:
        """The model's alias."""
        return self._chat.name

    def start(self, goal: Goal, seed: int, max_turns: int) -> LlmSimulator:
        """Return a simulator for one episode."""
        return LlmSimulator(self._chat, self._prompts, goal, seed, max_turns, self._steer, self._reasoning)


@dataclass(frozen=True, slots=True)
class LlmSimulator:
    """The user of one episode, played by a model.

    The model is the assistant of its own chat; the agent's words reach it as user messages, opened by a greeting,
    because most chat templates want a user message first.
    """

    chat: Chat
    prompts: Prompts
    goal: Goal
    seed: int
    max_turns: int
    steer: str = "none"
    reasoning: bool = False

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Return the model's next utterance, or end the conversation.

        Raises:
            RoleError: If the model can't be reached, or says nothing even when asked again.
        """
        messages = self.messages(conversation, state)
        reply, turn = await self._ask(messages, conversation)
        if turn is None:
            # The reminder changes the request, so a cached empty answer is not served again.
            last = str(messages[-1].get("content"))
            again: Message = {"role": "user", "content": f"{last}\n\n{self.prompts.fill('simulator_again')}"}
            reply, turn = await self._ask([*messages[:-1], again], conversation)
        if turn is None:
            why = " (cut off at the token limit)" if reply.finish_reason == "length" else ""
            raise RoleError(f"the simulator {self.chat.name!r} said nothing, asked twice{why}")
        return turn

    def messages(self, conversation: Conversation, state: GoalState | None) -> list[Message]:
        """Return the request for the next utterance: instructions, the conversation so far, and a reminder.

        Raises:
            RoleError: If the run steers by goal state and there is none.
        """
        messages = request(self.prompts, self.goal, conversation, self.max_turns, self.reasoning)
        if reminder := self._reminder(len(conversation.turns) + 1, state):
            agent_words = str(messages[-1].get("content"))
            messages[-1] = {"role": "user", "content": f"{agent_words}\n\n{reminder}"}
        return messages

    def _reminder(self, turn: int, state: GoalState | None) -> str:
        """Return the text that steers the next utterance; empty without steering."""
        now = {"turn": turn, "max_turns": self.max_turns, "turns_left": max(0, self.max_turns - turn + 1)}
        if self.steer == "goal":
            return self.prompts.fill("simulator_steer_goal", goal=self.goal.text, **now)
        if self.steer == "state":
            if state is None:
                raise RoleError("steering by goal state needs a goal state; the goal has no sub-components yet")
            return self.prompts.fill("simulator_steer_state", state=describe(state), **now)
        return ""

    async def _ask(self, messages: list[Message], conversation: Conversation) -> tuple[Reply, UserTurn | None]:
        # Servers take the seed for a signed 32-bit number at the least.
        reply = await self.chat.complete(messages, sampling={"seed": self.seed & 0x7FFF_FFFF})
        return reply, read_utterance(reply.text, reply.reasoning, conversation)


def request(prompts: Prompts, goal: Goal, conversation: Conversation, max_turns: int, reasoning: bool) -> list[Message]:
    """Return the request for the next utterance without steering.

    Untrained simulators get this request, and trained ones are trained on it.

    Args:
        prompts: Templates of the instructions.
        goal: The user's goal.
        conversation: The conversation so far.
        max_turns: Turns the conversation may take.
        reasoning: Whether to have the model think before it speaks.
    """
    limits = {"max_turns": max_turns, "max_messages": 2 * max_turns}
    system = prompts.fill("simulator_system", goal=goal.text, **limits)
    if reasoning:
        system = f"{system}\n\n{prompts.fill('simulator_reasoning', **limits)}"
    messages: list[Message] = [{"role": "system", "content": system}]
    agent_words = prompts.fill("simulator_greeting")
    for turn in conversation.turns:
        messages.append({"role": "user", "content": agent_words})
        messages.append({"role": "assistant", "content": turn.user})
        agent_words = turn.agent or ""
    messages.append({"role": "user", "content": agent_words})
    return messages


def read_utterance(text: str, reasoning: str | None, conversation: Conversation) -> UserTurn | None:
    """Read the utterance in a simulator's raw answer.

    Args:
        text: The answer; it may still hold reasoning, invented lines of the agent and a termination indicator.
        reasoning: Reasoning that the server already separated from the answer.
        conversation: The conversation so far.

    Returns:
        The utterance, or None if there is none.
    """
    spoken, thoughts = split_reasoning(text)
    reasoning = join_reasoning(reasoning, thoughts)
    spoken = own_words(spoken)
    if not spoken:
        return None
    ending = read_ending(spoken)
    if ending is None:
        return UserTurn(text=spoken, reasoning=reasoning)
    closing = Closing(
        text=spoken,
        separate=ending.separate,
        asked=ending.asked,
        before_reply=not any(turn.agent for turn in conversation.turns),
        reasoning=reasoning,
    )
    return UserTurn(text=ending.text, reasoning=reasoning, stop=ending.reason, closing=closing)


def describe(state: GoalState) -> str:
    """Return a goal state as the simulator gets to read it: a line for each sub-component, under its objective."""
    lines: list[str] = []
    for category, heading in _HEADINGS.items():
        held = [s for s in state if s.category is category]
        if not held:
            continue
        lines.append(f"{heading}:")
        for item in held:
            lines.append(_line("", item, state))
            lines += _belonging(item.component.id, state)
    lines += _belonging(None, state)
    return "\n".join(lines)


def _belonging(parent: str | None, state: GoalState) -> list[str]:
    kinds = (Category.REQUIREMENT, Category.PREFERENCE)
    return [
        _line("  " if parent else "", item, state, f"{item.category}, ")
        for kind in kinds
        for item in state
        if item.category is kind and item.component.parent == parent
    ]


def _line(indent: str, item: ComponentState, state: GoalState, kind: str = "") -> str:
    # Before the first turn no verdict is missing: S_0 holds the initial statuses.
    status = "UNKNOWN" if item.error is not None and state.turn > 0 else item.status.value
    return f"{indent}- ({kind}{status}) {item.text}"
