"""The roles: protocols for simulators, agents, judges, and the session an agent works in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What a simulator says next.

    With ``stop`` set the conversation is over: ``closing`` says how it was ended, and ``text`` is what was said
    beside the termination indicator (empty for a separate termination message).
    """

    text: str
    reasoning: str | None = None
    stop: StopReason | None = None
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """What an agent answers, and the tool calls it made before answering, with their results."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool as a model gets to know it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the arguments object."""

    def openai(self) -> dict[str, Any]:
        """As an entry of ``tools`` in a chat completions request."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": dict(self.parameters),
            },
        }


class ToolResult(NamedTuple):  # made in half the time of a frozen dataclass, and one is made for every call
    """What a tool returned, as the agent gets to read it."""

    text: str
    ok: bool = True


class Session(Protocol):
    """One conversation's private view of a domain."""

    @property
    def policy(self) -> str:
        """The text that tells the agent how to work."""

    @property
    def tools(self) -> Sequence[ToolSpec]:
        """The tools at hand."""

    @property
    def notes(self) -> dict[str, Any]:
        """A scratch pad for the agent, private to this conversation."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool. Never raises for bad arguments: those give an error result the agent can read."""

    def scores(self, conversation: Conversation) -> dict[str, float]:
        """Scores of the agent's own work; empty where the domain has none."""


class DataLocator(Protocol):
    """Finds the data sets that users bring themselves."""

    def locate(self, name: str) -> Path:
        """Return the folder of a data set such as ``tau-bench``."""


class Domain(Protocol):
    """Tools, database and policy text that an agent works with; opens sessions."""

    @property
    def name(self) -> str: ...

    def open(self, goal: Goal, seed: int) -> Session:
        """Start one conversation's private view."""


@runtime_checkable
class Simulator(Protocol):
    """Plays the user of one episode."""

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Speak.

        Args:
            conversation: C_{i-1}, what was said so far.
            state: S_{i-1} where the run steers by goal state, else None.
        """


@runtime_checkable
class SimulatorFactory(Protocol):
    """Makes the simulator of one episode. What ``--ugst-sim`` names, and what the ``simulator`` fixture returns."""

    @property
    def name(self) -> str: ...

    def start(self, goal: Goal, seed: int, max_turns: int) -> Simulator:
        """A simulator for one episode."""


@runtime_checkable
class Agent(Protocol):
    """Answers users; serves many conversations at once, so what it remembers belongs in ``session.notes``."""

    @property
    def name(self) -> str: ...

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Answer. The last turn of ``conversation`` holds the user's words and no answer yet."""


@runtime_checkable
class Judge(Protocol):
    """Proposes statuses."""

    @property
    def name(self) -> str: ...

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        """Judge ``components`` after ``turn``; ``conversation`` ends with that turn.

        A sub-component for which no answer is to be had gets a verdict with an ``error``.

        Args:
            components: Those whose status may still change.
            conversation: What was said so far.
            turn: The turn to judge, counted from 1.
        """


@dataclass(slots=True)
class NoSession:
    """A session without tools, for goals that name no domain."""

    policy: str = "You are a helpful assistant. You have no tools; answer from the conversation alone."
    tools: Sequence[ToolSpec] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """There is nothing to call."""
        return ToolResult(f"Error: there is no tool {name!r}.", ok=False)

    def scores(self, conversation: Conversation) -> dict[str, float]:
        """Nothing to score."""
        return {}
