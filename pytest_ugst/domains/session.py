"""The session of a desk: tools over a town, whose bookings are all that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.protocols import ToolResult, ToolSpec
from pytest_ugst.domains.overlay import Overlay, TableEdits
from pytest_ugst.domains.toolbox import Toolbox


class DomainSession:
    """One conversation at a desk."""

    def __init__(self, tools: object, db: Overlay, policy: str, toolbox: Toolbox) -> None:
        """Sit down.

        Args:
            tools: Has the tools, over ``db``.
            db: This conversation's view of the town.
            policy: Tells the agent how to work.
            toolbox: Of the tools' class.
        """
        self.policy = policy
        self.tools: Sequence[ToolSpec] = toolbox.specs
        self.notes: dict[str, Any] = {}
        self._db = db
        self._toolbox = toolbox
        self._tools = tools

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool; bad arguments give an error result."""
        return self._toolbox.call(self._tools, name, arguments)

    def scores(self, conversation: Conversation) -> dict[str, float]:
        """There is no reference solution to hold the agent's work against."""
        return {}

    def edits(self) -> dict[str, TableEdits]:
        """What differs from the town as it was read: bookings, seats, and what the goal itself asked for."""
        return self._db.edits()
