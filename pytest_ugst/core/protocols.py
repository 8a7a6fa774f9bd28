"""The protocols of simulators, agents, judges and domains, and the records that they exchange."""

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
    """A simulator's next turn.

    With ``stop`` set the conversation is over: ``closing`` says how it was ended, and ``text`` is the text beside the
    termination indicator (empty for a separate termination message).

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.UserTurn("A tea, please.", reasoning="I start with the drink.").stop is None
        True
    """

    text: str
    reasoning: str | None = None
    stop: StopReason | None = None
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """An agent's answer, and the tool calls it made before answering, with their results.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.AgentTurn("Large or small?").tool_calls
        ()
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool as it is described to a model.

    Example:
        >>> import pytest_ugst as ugst
        >>> spec = ugst.ToolSpec("find_table", "Find a free table.", {"type": "object", "properties": {}})
        >>> spec.openai()["function"]["name"]
        'find_table'
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    """The JSON Schema of the arguments object."""

    def openai(self) -> dict[str, Any]:
        """Return the entry of ``tools`` in a chat completions request."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": dict(self.parameters),
            },
        }


class ToolResult(NamedTuple):  # made in half the time of a frozen dataclass, and one is made for every call
    """The result of a tool call, as the agent gets to read it.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.ToolResult("Error: the kitchen is closed.", ok=False).ok
        False
    """

    text: str
    ok: bool = True
    """False for an error."""


class Session(Protocol):
    """One conversation's private view of a domain.

    A session may also have any of :class:`SupportsScores`, :class:`SupportsEdits` and :class:`SupportsChanges`; each
    says who calls it and what works without it.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Kiosk:
        ...     policy = "Sell tea."
        ...     tools = (ugst.ToolSpec("sell", "Sell a tea.", {"type": "object", "properties": {}}),)
        ...
        ...     def __init__(self):
        ...         self.notes = {}
        ...
        ...     def call(self, name, arguments):
        ...         if name != "sell":
        ...             return ugst.ToolResult(f"Error: there is no {name}.", ok=False)
        ...         return ugst.ToolResult("sold")
        >>> session: ugst.Session = Kiosk()
        >>> session.call("sell", {})
        ToolResult(text='sold', ok=True)
    """

    @property
    def policy(self) -> str:
        """The text that tells the agent how to work."""

    @property
    def tools(self) -> Sequence[ToolSpec]:
        """The tools that the agent may call."""

    @property
    def notes(self) -> dict[str, Any]:
        """The agent's memory of this conversation, private to it."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool. Never raises for bad arguments: those give an error result that the agent can read."""


@runtime_checkable
class SupportsScores(Protocol):
    """A session that scores the agent's own work, beside the goal states of the user.

    Optional: a domain with reference solutions (tau-bench's, say) has such sessions. The engine calls it once, when the
    conversation is over, and stores the result as the episode's ``task``; tables of agents and the attribution of
    failures read it from there. The check ``db_matches_reference`` calls it after a turn and reads the score ``db``.

    Example:
        >>> import pytest_ugst as ugst
        >>> class ScoredKiosk:
        ...     def scores(self, conversation):
        ...         calls = [call.name for turn in conversation.turns for call in turn.tool_calls]
        ...         return {"task": float("sell" in calls)}
        >>> isinstance(ScoredKiosk(), ugst.SupportsScores)
        True
    """

    def scores(self, conversation: Conversation) -> dict[str, float]:
        """Score the agent's work.

        Args:
            conversation: What was said and which tools were called, up to now.

        Returns:
            Scores from 0 to 1 by name, ``task`` for the whole; empty if this goal has nothing to be scored by.
        """


@runtime_checkable
class SupportsEdits(Protocol):
    """A session that reports how its database differs from the one it started from.

    Optional: needed to find out which reference actions of a goal change the database, so that a goal's objectives can
    carry the check ``db_matches_reference``. A session of :class:`pytest_ugst.domains.session.DomainSession` has it.

    Example:
        >>> import pytest_ugst as ugst
        >>> base = ugst.BaseTables({"cups": {"1": {"clean": True}}})
        >>> class Cups:
        ...     def __init__(self, db):
        ...         self.db = db
        >>> db = base.overlay()
        >>> session = ugst.DomainSession(Cups(db), db, "Wash up.", ugst.Toolbox(Cups))
        >>> isinstance(session, ugst.SupportsEdits), session.edits()
        (True, {})
    """

    def edits(self) -> Mapping[str, Any]:
        """Return the difference from the start, by table.

        The result is compared by its ``repr`` between two calls, so the same state must be written in the same way.
        """


@runtime_checkable
class SupportsChanges(Protocol):
    """A session that reports the single fields of its database that differ from the one it started from.

    Optional: needed by the check ``db_matches_reference`` for goals with several objectives, where each objective is
    decided by the fields that only its own reference actions change.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Counted:
        ...     def changes(self):
        ...         return {("cups", "1", "clean"): False}
        >>> isinstance(Counted(), ugst.SupportsChanges)
        True
    """

    def changes(self) -> Mapping[tuple[str, str, str], Any]:
        """Return the present values of the fields that differ from the start, by table, key of the record, and field.

        A removed record counts as one field with an empty name and the value None.
        """


class DataLocator(Protocol):
    """A way to find the data sets that users bring themselves."""

    def locate(self, name: str) -> Path:
        """Return the folder of a data set such as ``tau-bench``."""


@runtime_checkable
class Domain(Protocol):
    """Tools, database and policy text that an agent works with; opens sessions.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Kiosk:
        ...     name = "kiosk"
        ...
        ...     def open(self, goal, seed):
        ...         raise ugst.UsageError(f"{goal.id}: the kiosk is closed; come back tomorrow")
        >>> isinstance(Kiosk(), ugst.Domain)
        True
    """

    @property
    def name(self) -> str:
        """The name under which goals refer to the domain."""

    def open(self, goal: Goal, seed: int) -> Session:
        """Open one conversation's private view.

        Args:
            goal: The goal of the conversation; its ``data`` may set up the session.
            seed: Seed of everything random in the session.

        Raises:
            UsageError: If the goal does not fit the domain.
        """


@runtime_checkable
class Simulator(Protocol):
    """The user of one episode.

    Example:
        >>> import pytest_ugst as ugst
        >>> class OneWish:
        ...     def __init__(self, goal):
        ...         self.goal = goal
        ...
        ...     async def next(self, conversation, state):
        ...         if not conversation.turns:
        ...             return ugst.UserTurn(self.goal.text)
        ...         return ugst.UserTurn("", stop=ugst.StopReason.USER_ENDED)
        >>> isinstance(OneWish(None), ugst.Simulator)
        True
    """

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Return the user's next turn.

        Args:
            conversation: C_{i-1}, the conversation so far.
            state: S_{i-1} where the run steers by goal state, else None.
        """


@runtime_checkable
class SimulatorFactory(Protocol):
    """The maker of simulators, one per episode: named by ``--ugst-sim``, and returned by the ``simulator`` fixture.

    Example:
        >>> import pytest_ugst as ugst
        >>> class OneWish:
        ...     def __init__(self, goal):
        ...         self.goal = goal
        ...
        ...     async def next(self, conversation, state):
        ...         if not conversation.turns:
        ...             return ugst.UserTurn(self.goal.text)
        ...         return ugst.UserTurn("", stop=ugst.StopReason.USER_ENDED)
        >>> class OneWishEach:
        ...     name = "one-wish"
        ...
        ...     def start(self, goal, seed, max_turns):
        ...         return OneWish(goal)
        >>> goals = ugst.load_goals("concierge:test")[:2]
        >>> run = ugst.simulate(goals, simulator=OneWishEach(), cache="off")
        >>> [len(episode.conversation.turns) for episode in run]
        [1, 1]
    """

    @property
    def name(self) -> str:
        """The name in reports and results."""

    def start(self, goal: Goal, seed: int, max_turns: int) -> Simulator:
        """Make the simulator of one episode.

        Args:
            goal: The goal to play.
            seed: Seed of everything random in the simulator.
            max_turns: Turns the conversation may take.

        Raises:
            UsageError: If the goal can't be played by this simulator.
        """


@runtime_checkable
class Agent(Protocol):
    """The agent that answers users.

    One agent serves many conversations at once, so anything it remembers of one belongs in ``session.notes``.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Deaf:
        ...     name = "deaf"
        ...
        ...     async def respond(self, conversation, session):
        ...         return ugst.AgentTurn("Pardon?")
        >>> goals = ugst.load_goals("concierge:test")[:2]
        >>> run = ugst.simulate(goals, agent=Deaf(), max_turns=2, cache="off")
        >>> {turn.agent for episode in run for turn in episode.conversation.turns}
        {'Pardon?'}
    """

    @property
    def name(self) -> str:
        """The name in reports and results."""

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Return the agent's answer.

        Args:
            conversation: The conversation so far; its last turn holds the user's text and no answer yet.
            session: The conversation's view of the domain, with the tools.
        """


@runtime_checkable
class SupportsRequire(Protocol):
    """An agent that can only work in some domains, and says so before a conversation starts.

    Optional: an agent without it is taken to work in every session. It is called with a fresh session of a goal's
    domain when the capabilities of the named roles are looked up: before the first episode, and where a test file asks
    for its goals to be skipped if they can't be played.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Picky:
        ...     name = "picky"
        ...
        ...     async def respond(self, conversation, session):
        ...         return ugst.AgentTurn("Gladly.")
        ...
        ...     def require(self, session):
        ...         if not session.tools:
        ...             raise ugst.UsageError("the agent 'picky' needs tools; name a domain in the goal")
        >>> isinstance(Picky(), ugst.SupportsRequire)
        True
    """

    def require(self, session: Session) -> None:
        """Check that this agent can work in a session.

        Raises:
            UsageError: If it can't; with what the user can do about it.
        """


@runtime_checkable
class Judge(Protocol):
    """The judge that proposes the statuses of sub-components after a turn.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Kind:
        ...     name = "kind"
        ...
        ...     async def judge(self, components, conversation, turn):
        ...         best = {"profile": "ALIGNED", "policy": "ALIGNED", "preference": "ALIGNED"}
        ...         return [
        ...             ugst.Verdict(component=c.id, turn=turn, status=best.get(c.category, "COMPLETE"), by=self.name)
        ...             for c in components
        ...         ]
        >>> tea = ugst.Component(id="t", category="objective", text="Order a tea.")
        >>> goal = ugst.Goal(id="tea", text="Order a tea.", components=[tea])
        >>> (episode,) = ugst.judge([(goal, [{"role": "user", "content": "Hello?"}])], judge=Kind())
        >>> episode.final_state["t"].label
        'COMPLETE'
    """

    @property
    def name(self) -> str:
        """The name in reports and results."""

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        """Judge sub-components after a turn.

        Args:
            components: The sub-components whose status may still change.
            conversation: The conversation so far; it ends with the turn to judge.
            turn: The turn to judge, counted from 1.

        Returns:
            A verdict per sub-component. One that could not be judged gets a verdict with an ``error``.
        """


@dataclass(slots=True)
class NoSession:
    """A session without tools, for goals that name no domain."""

    policy: str = "You are a helpful assistant. You have no tools; answer from the conversation alone."
    tools: Sequence[ToolSpec] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Return an error result: there is no tool."""
        return ToolResult(f"Error: there is no tool {name!r}.", ok=False)
