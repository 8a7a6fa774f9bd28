"""Adapters that make simulators of functions and objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import SimulatorFactory, UserTurn
from pytest_ugst.simulators.llm import read_utterance
from pytest_ugst.utils.callables import call, name_of, takes, text_messages


def as_simulator(value: object, name: str | None = None) -> SimulatorFactory:
    """Return a factory of simulators made from a factory or a function.

    Args:
        value: A :class:`SimulatorFactory`, or a function ``f(messages, goal)``, sync or async, that returns the
            user's next words. ``messages`` are ``{"role", "content"}`` with the user's words as ``user`` and the
            agent's as ``assistant``; ``goal`` is the :class:`Goal`. The rules of termination apply to what it returns.
        name: The simulator's name; a function's own name unless given.

    Raises:
        UsageError: For anything else.
    """
    if not isinstance(value, type):
        if isinstance(value, SimulatorFactory):
            return value
        if callable(value) and takes(value, 2):
            return FunctionSimulators(value, name or name_of(value))
    raise UsageError(
        f"{value!r} is no simulator: give an object with a name and start(goal, seed, max_turns), "
        "or a function f(messages, goal) that returns the user's next words"
    )


@dataclass(frozen=True, slots=True)
class FunctionSimulators:
    """Factory of simulators that are played by a function."""

    function: Callable[..., Any]
    name: str

    def start(self, goal: Goal, seed: int, max_turns: int) -> FunctionSimulator:
        """Return a simulator for one episode."""
        return FunctionSimulator(self.function, self.name, goal)


@dataclass(frozen=True, slots=True)
class FunctionSimulator:
    """The user of one episode, played by a function."""

    function: Callable[..., Any]
    name: str
    goal: Goal

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Return the function's next utterance, or end the conversation.

        Raises:
            RoleError: If the function raises, or returns no string or an empty one.
        """
        what = f"the simulator {self.name!r}"
        answer = await call(what, self.function, text_messages(conversation), self.goal)
        if not isinstance(answer, str):
            raise RoleError(f"{what} returned {type(answer).__name__}, not a string")
        turn = read_utterance(answer, None, conversation)
        if turn is None:
            raise RoleError(f"{what} said nothing")
        return turn
