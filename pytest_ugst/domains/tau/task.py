"""A goal's task as tau-bench states it, and the score of the agent's work on it.

Source: Yao et al., "tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains", 2024, section 3: an
agent solved a task if the database ends as the reference actions leave it, and if it said all required outputs.
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
    """The part of a task that concerns the agent's work; other fields of ``goal.data["upstream"]`` are ignored."""

    model_config = ConfigDict(frozen=True)

    domain: str | None = None
    actions: tuple[Action, ...] = ()
    outputs: tuple[str, ...] = ()
    """Texts that the agent must say."""
    reward_basis: tuple[str, ...] = ("DB", "COMMUNICATE")
    """The parts that count, by tau2-bench's names."""


class TauData(BaseModel):
    """The ``data`` that a goal may have for these domains."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstream: Upstream | None = None
    compat: Literal["v1"] | None = None
    """Keep the upstream bugs that published numbers depend on."""


def read_task(goal: Goal, domain: str) -> TauData:
    """Validate a goal's ``data``.

    Args:
        goal: The goal.
        domain: Upstream's name of the domain: ``airline`` or ``retail``.

    Raises:
        UsageError: If the data has unknown or wrong fields, or its task belongs to another domain.
    """
    data = read_data(goal, TauData, domain)
    if data.upstream is not None and data.upstream.domain not in (None, domain):
        problem = f"the task belongs to {data.upstream.domain!r}, and the goal names the domain {goal.domain!r}"
        raise wrong_data(goal, "upstream.domain", problem)
    return data


def all_outputs_said(outputs: Sequence[str], conversation: Conversation) -> bool:
    """Return whether the agent said all outputs.

    Each has to occur in one of the agent's messages, without regard to case, and with the commas removed from the
    message (so that "1,786" counts as "1786").
    """
    messages = [turn.agent.lower().replace(",", "") for turn in conversation.turns if turn.agent]
    return all(any(output.lower() in message for message in messages) for output in outputs)


def task_scores(db: bool, outputs: bool, basis: Iterable[str]) -> dict[str, float]:
    """Return the scores of a task, each 0.0 or 1.0.

    Args:
        db: True if the database is as the reference actions leave it.
        outputs: True if the agent said all outputs.
        basis: The parts that ``task`` counts, by tau2-bench's names. Parts that are not scored here count as right.

    Returns:
        ``task`` (1.0 if all parts that count are right), ``db`` and ``outputs``.
    """
    parts = {"DB": db, "COMMUNICATE": outputs}
    task = all(parts.get(part, True) for part in basis)
    return {"task": float(task), "db": float(db), "outputs": float(outputs)}
