"""The check ``db_matches_reference``: an objective is complete when the database is as the reference actions leave it.

Benchmarks such as tau-bench say for every goal which tool calls solve it. For a goal with a single objective that is a
second opinion on its completion, and one that nobody can be talked out of: it stands beside the judge, and the
disagreements of the two are worth reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_ugst.core.check import Check
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.roles import Domain
from pytest_ugst.core.state import Category, Status

NAME = "db_matches_reference"
_SCORE = "db"

Domains = Callable[[str], Domain]
"""A domain by name."""


def db_matches_reference(
    domains: Domains,
    component: Component,
    conversation: Conversation,
    turn: int,
    *,
    domain: str,
    actions: Sequence[dict[str, Any]],
) -> Status | None:
    """Decide an objective by the database.

    The conversation's tool calls are run again in a fresh session, whose ``db`` score compares it with the reference.

    Args:
        domains: Where domains are found.
        component: The objective.
        conversation: What was said so far.
        turn: The turn to judge.
        domain: The domain the calls were made in.
        actions: The reference: tool calls with ``name`` and ``arguments``.

    Returns:
        COMPLETE, or None while the database differs.

    Raises:
        UsageError: If the domain has no such score.
    """
    goal = Goal(id="reference", text=component.text, domain=domain, data={"upstream": {"actions": list(actions)}})
    session = domains(domain).open(goal, 0)
    for call in (call for said in conversation.turns[:turn] for call in said.tool_calls):
        session.call(call.name, call.arguments)
    scores = session.scores(conversation)
    if _SCORE not in scores:
        raise UsageError(f"the domain {domain!r} does not score its database, which the check {NAME} needs")
    return Status.COMPLETE if scores[_SCORE] == 1.0 else None


def with_reference_check(goal: Goal, domains: Domains) -> Goal:
    """A goal whose only objective carries the check beside the judge, where the reference changes the database.

    With several objectives nothing says which of them a reference action belongs to, and a reference that changes
    nothing is matched by doing nothing: such goals are returned as they are, and so is what carries a check already.
    """
    objectives = [c for c in goal.components or () if c.category is Category.OBJECTIVE]
    upstream = goal.data.get("upstream")
    reference = upstream.get("actions") if isinstance(upstream, dict) else None
    if goal.domain is None or len(objectives) != 1 or objectives[0].check is not None or not reference:
        return goal
    writes = changing(reference, goal, domains(goal.domain))
    if not writes:
        return goal
    check = Check(python=NAME, args={"domain": goal.domain, "actions": writes}, beside=True)
    parts = tuple(c.model_copy(update={"check": check}) if c is objectives[0] else c for c in goal.components or ())
    return goal.model_copy(update={"components": parts})


def changing(actions: Sequence[dict[str, Any]], goal: Goal, domain: Domain) -> list[dict[str, Any]]:
    """Those of the reference actions that change the database when all are run in order."""
    session: Any = domain.open(goal, 0)
    if not hasattr(session, "edits"):
        return []
    found, before = [], repr(session.edits())
    for action in actions:
        session.call(action["name"], action["arguments"])
        after = repr(session.edits())
        if after != before:
            found.append(action)
        before = after
    return found
