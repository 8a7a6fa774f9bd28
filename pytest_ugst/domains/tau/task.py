"""A goal's task as tau-bench states it, and the score of the agent's work on it.

Source: Yao et al., "tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains", 2024, section 3: an
agent solved a task if the database ends as the reference actions leave it, and if it said all that it had to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.goal_data import read_data, wrong_data


class Action(BaseModel):
    """A reference tool call."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: dict[str, Any]


class Upstream(BaseModel):
    """What a task says about the agent's work; other fields of ``goal.data["upstream"]`` are not looked at."""

    model_config = ConfigDict(frozen=True)

    domain: str | None = None
    actions: tuple[Action, ...] = ()
    outputs: tuple[str, ...] = ()
    """What the agent has to say."""
    reward_basis: tuple[str, ...] = ("DB", "COMMUNICATE")
    """Which parts count; as tau2-bench calls them."""


class TauData(BaseModel):
    """What a goal's ``data`` may hold for these domains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstream: Upstream | None = None
    compat: Literal["v1"] | None = None
    """Keep the upstream bugs that published numbers depend on."""


def read_task(goal: Goal, domain: str) -> TauData:
    """Read a goal's ``data``.

    Raises:
        UsageError: If it is not what it should be, or belongs to another domain.
    """
    data = read_data(goal, TauData, domain)
    if data.upstream is not None and data.upstream.domain not in (None, domain):
        problem = f"the task belongs to {data.upstream.domain!r}, and the goal names the domain {goal.domain!r}"
        raise wrong_data(goal, "upstream.domain", problem)
    return data


def said(outputs: Sequence[str], conversation: Conversation) -> bool:
    """Whether the agent said all of ``outputs``: each somewhere in one message, without regard to case, and with the
    commas taken out of what the agent said (so that "1,786" counts as "1786").
    """
    messages = [turn.agent.lower().replace(",", "") for turn in conversation.turns if turn.agent]
    return all(any(output.lower() in message for message in messages) for output in outputs)


def combine(db: bool, outputs: bool, basis: Iterable[str]) -> dict[str, float]:
    """The scores: ``task`` is 1.0 if everything that counts is right."""
    parts = {"DB": db, "COMMUNICATE": outputs}
    task = all(parts.get(part, True) for part in basis)
    return {"task": float(task), "db": float(db), "outputs": float(outputs)}
