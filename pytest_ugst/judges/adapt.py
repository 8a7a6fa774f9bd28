"""Adapters that make judges of functions and objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.protocols import Judge
from pytest_ugst.core.status import CHAINS, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.utils.callables import call, name_of, takes


def as_judge(value: object, name: str | None = None) -> Judge:
    """Return a judge made from a judge or a function.

    Args:
        value: A :class:`Judge`, or a function ``f(component, conversation, turn)``, sync or async, that returns a
            :class:`Status`, its name, or a :class:`Verdict`. What it raises, and anything else it returns, becomes a
            verdict with an error.
        name: The judge's name; a function's own name unless given.

    Raises:
        UsageError: For anything else.
    """
    if not isinstance(value, type):
        if isinstance(value, Judge):
            return value
        if callable(value) and takes(value, 3):
            return FunctionJudge(value, name or name_of(value))
    raise UsageError(
        f"{value!r} is no judge: give an object with a name and judge(components, conversation, turn), or a function "
        "f(component, conversation, turn) that returns a status or a Verdict"
    )


@dataclass(frozen=True, slots=True)
class FunctionJudge:
    """Judge that calls a function for each sub-component."""

    function: Callable[..., Any]
    name: str

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        """Return one verdict per component, in their order."""
        return await asyncio.gather(*(self._one(component, conversation, turn) for component in components))

    async def _one(self, component: Component, conversation: Conversation, turn: int) -> Verdict:
        try:
            answer = await call(f"the judge {self.name!r}", self.function, component, conversation, turn)
        except RoleError as error:
            return self._error(component, turn, str(error))
        if isinstance(answer, Verdict):
            if answer.component == component.id and answer.turn == turn:
                return answer if answer.by else answer.model_copy(update={"by": self.name})
            about = f"{answer.component!r} at turn {answer.turn}"
            return self._error(component, turn, f"the judge {self.name!r} gave a verdict about {about}")
        if not isinstance(answer, str) or answer not in CHAINS[component.category]:
            statuses = ", ".join(CHAINS[component.category])
            return self._error(component, turn, f"the judge {self.name!r} returned {answer!r}; expected {statuses}")
        return Verdict(component=component.id, turn=turn, status=Status(answer), by=self.name)

    def _error(self, component: Component, turn: int, error: str) -> Verdict:
        return Verdict(component=component.id, turn=turn, error=error, by=self.name)
