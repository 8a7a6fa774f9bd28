"""Domains over upstream's data, and the sessions they open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import ToolResult, ToolSpec
from pytest_ugst.domains.overlay import BaseTables, Overlay, TableEdits
from pytest_ugst.domains.tau.task import Action, TauData, Upstream, all_outputs_said, read_task, task_scores
from pytest_ugst.domains.tau.tools import TauTools
from pytest_ugst.domains.toolbox import Toolbox

MakeTools = Callable[[Overlay, bool], TauTools]
"""Function that makes a session's tools from its view of the tables and the flag to keep upstream's bugs."""


class TauDomain:
    """A domain of tau-bench or tau2-bench: one base, and the sessions over it."""

    def __init__(
        self, name: str, kind: str, base: BaseTables, policy: str, owner: type[TauTools], make: MakeTools
    ) -> None:
        """Make a domain of data that was read.

        Args:
            name: The name in goals.
            kind: Upstream's name: ``airline`` or ``retail``.
            base: The tables.
            policy: The text that tells the agent how to work.
            owner: The class of the tools.
            make: The function that makes one session's tools.
        """
        self.name = name
        self.base = base
        self.policy = policy
        self.make = make
        self._kind = kind
        self._owner = owner

    @cached_property
    def toolbox(self) -> Toolbox:
        """Schemas and validators of the tools; made when a session first needs them (some 25 ms)."""
        return Toolbox(self._owner)

    def open(self, goal: Goal, seed: int) -> TauSession:
        """Open one conversation's private view. Nothing here is random, so the seed changes nothing.

        Raises:
            UsageError: If ``goal.data`` has unknown or wrong fields.
        """
        return TauSession(self, read_task(goal, self._kind))


class TauSession:
    """A conversation's private view of a tau domain.

    It scores the agent's work, and reports its edits and changes.
    """

    __slots__ = ("_data", "_db", "_domain", "_tools", "notes")

    def __init__(self, domain: TauDomain, data: TauData) -> None:
        """Open a session.

        Args:
            domain: The domain.
            data: The goal's data, validated.
        """
        self.notes: dict[str, Any] = {}
        self._domain = domain
        self._data = data
        self._db = domain.base.overlay()
        self._tools = domain.make(self._db, data.compat == "v1")

    @property
    def policy(self) -> str:
        """Upstream's policy text."""
        return self._domain.policy

    @property
    def tools(self) -> Sequence[ToolSpec]:
        """The tools that the agent may call."""
        return self._domain.toolbox.specs

    @property
    def task(self) -> Upstream | None:
        """Upstream's task for the agent; None where the goal has none."""
        return self._data.upstream

    def view(self) -> Overlay:
        """Return the tables as this session sees them, for reading."""
        return self._db

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool. Bad arguments give an error result."""
        return self._domain.toolbox.call(self._tools, name, arguments)

    def edits(self) -> dict[str, TableEdits]:
        """Return the difference from the tables as they were read."""
        return self._db.edits()

    def changes(self) -> dict[tuple[str, str, str], Any]:
        """Return the fields that differ from the tables as they were read, by table, key and field."""
        return self._db.changes()

    def reference(self) -> TauSession:
        """Return a new session of the same goal, after the reference actions."""
        fresh = TauSession(self._domain, self._data)
        if self._data.upstream is not None:
            fresh.replay(self._data.upstream.actions)
        return fresh

    def replay(self, actions: Iterable[Action]) -> list[tuple[Action, ToolResult]]:
        """Run tool calls one after the other, errors included, and return them with their results."""
        return [(action, self.call(action.name, action.arguments)) for action in actions]

    def scores(self, conversation: Conversation) -> dict[str, float]:
        """Score the agent as tau-bench does.

        Returns:
            ``db`` (1.0 if the tables are as the reference actions leave them), ``outputs`` (1.0 if the agent said all
            outputs) and ``task`` (1.0 if all parts that count are right); empty for a goal without an upstream task.
        """
        task = self._data.upstream
        if task is None:
            return {}
        db = self.edits() == self.reference().edits()
        return task_scores(db, all_outputs_said(task.outputs, conversation), task.reward_basis)
