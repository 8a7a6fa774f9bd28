"""A session of a domain: a class of tools over one conversation's view of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.protocols import ToolResult, ToolSpec
from pytest_ugst.domains.overlay import Overlay, TableEdits
from pytest_ugst.domains.toolbox import Toolbox


class DomainSession:
    """A conversation's private view of a domain: policy, tools, notes, and the edits of its data.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Kiosk:
        ...     def __init__(self, db):
        ...         self.db = db
        ...
        ...     @ugst.tool
        ...     def wash(self, cup: str) -> str:
        ...         '''Wash a cup.'''
        ...         self.db["cups"].edit(cup)["clean"] = True
        ...         return "done"
        >>> toolbox = ugst.Toolbox(Kiosk)
        >>> db = ugst.BaseTables({"cups": {"1": {"clean": False}}}).overlay()
        >>> session = ugst.DomainSession(Kiosk(db), db, "Keep the cups clean.", toolbox)
        >>> session.call("wash", {"cup": "1"})
        ToolResult(text='done', ok=True)
    """

    def __init__(self, tools: object, db: Overlay, policy: str, toolbox: Toolbox) -> None:
        """Open a session.

        Args:
            tools: An instance of the toolbox's class, working on ``db``.
            db: This conversation's view of the data.
            policy: The text that tells the agent how to work.
            toolbox: The toolbox of the tools' class, shared by all sessions.
        """
        self.policy = policy
        self.tools: Sequence[ToolSpec] = toolbox.specs
        self.notes: dict[str, Any] = {}
        self._db = db
        self._toolbox = toolbox
        self._tools = tools

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool. Bad arguments give an error result."""
        return self._toolbox.call(self._tools, name, arguments)

    def edits(self) -> dict[str, TableEdits]:
        """Return the difference from the data as it was read.

        It includes what the goal's own ``data`` put in, such as bookings that the user has already.
        """
        return self._db.edits()
