"""The rule-based agent's tool client: it calls tools, records the calls and parses the results."""

from __future__ import annotations

import json
from typing import Any

from pytest_ugst.agents.rules.memory import Memory
from pytest_ugst.core.conversation import ToolCall
from pytest_ugst.core.protocols import Session


class RefusedCallError(Exception):
    """An error result of a tool; the message is the tool's, without "Error: "."""


class ToolClient:
    """The tools of one session, as used for one answer.

    Attributes:
        calls: The calls made for this answer, with their results.
    """

    def __init__(self, session: Session, memory: Memory) -> None:
        """Call the tools of a session.

        Args:
            session: The session.
            memory: Counts the calls, so that their ids are unique in the conversation.
        """
        self.calls: list[ToolCall] = []
        self._session = session
        self._memory = memory

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its result.

        Raises:
            RefusedCallError: If the tool gives an error result.
        """
        result = self._session.call(tool, arguments)
        self._memory.calls += 1
        self.calls.append(
            ToolCall(id=f"call_{self._memory.calls}", name=tool, arguments=arguments, result=result.text, ok=result.ok)
        )
        if not result.ok:
            raise RefusedCallError(result.text.removeprefix("Error: "))
        answer: dict[str, Any] = json.loads(result.text)
        return answer
