"""The check ``db_matches_reference``: an objective is complete when the database is as the reference actions leave it.

Benchmarks such as tau-bench list for every goal the tool calls that solve it. They give a second opinion on the
completion of the goal's objectives, one that no wording of the conversation can change: the check stands beside the
judge, and the disagreements of the two are worth reading.

A single objective is complete when the whole database is as the reference leaves it. With several objectives, each
reference action that changes something belongs to the one objective whose words fit it (:func:`assigned`); such an
objective is complete when the fields that only its own actions change have the values that the reference gives them.
Where the words leave open to which objective an action belongs, the objectives it may belong to get no check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pytest_ugst.core.check import Check
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.protocols import Domain, SupportsChanges, SupportsEdits, SupportsScores
from pytest_ugst.core.status import Category, Status
from pytest_ugst.domains.tau.request_words import REQUEST_WORDS

NAME = "db_matches_reference"
_SCORE = "db"
_DOUBTFUL = re.compile(
    r"\b(?:never|refuse|wonder|know|whether|curious|(?:find|figure) out|not (?:want|wish|to)|"
    r"(?:do|does|did|will|would|can|could|should|must|need)(?:n.t| not))\b",
    re.IGNORECASE,
)
"""Words of a user who does not want something, or only wants to know about it."""

Domains = Callable[[str], Domain]
"""Lookup of a domain by name."""
Actions = Sequence[Mapping[str, Any]]
"""Tool calls with ``name`` and ``arguments``."""
Fields = dict[tuple[str, str, str], Any]
"""Values by table, key and field."""


def db_matches_reference(
    domains: Domains,
    component: Component,
    conversation: Conversation,
    turn: int,
    *,
    domain: str,
    actions: Actions,
    compat: str | None = None,
    of: Sequence[int] | None = None,
) -> Status | None:
    """Decide an objective by the database.

    The conversation's tool calls are run again in a fresh session, and the resulting database is compared with the
    reference.

    Args:
        domains: Lookup of domains.
        component: The objective.
        conversation: The conversation so far.
        turn: The turn to judge, counted from 1.
        domain: The name of the domain that the calls were made in.
        actions: The reference actions.
        compat: The goal's ``data.compat``: the edition whose bugs the tools keep.
        of: Numbers of the actions that belong to this objective, counted from 0; unless given, the whole database
            is compared.

    Returns:
        COMPLETE, or None while the database differs.

    Raises:
        UsageError: If the domain does not score its database, or no field is changed by this objective's actions alone.
    """
    data: dict[str, Any] = {"upstream": {"actions": [dict(action) for action in actions]}}
    goal = Goal(id="reference", text=component.text, domain=domain, data=data | ({"compat": compat} if compat else {}))
    opened = domains(domain)
    session = opened.open(goal, 0)
    for call in (call for done in conversation.turns[:turn] for call in done.tool_calls):
        session.call(call.name, call.arguments)
    if of is None:
        scores = session.scores(conversation) if isinstance(session, SupportsScores) else {}
        if _SCORE not in scores:
            raise UsageError(f"the domain {domain!r} does not score its database, which the check {NAME} needs")
        return Status.COMPLETE if scores[_SCORE] == 1.0 else None
    wanted = own_fields(actions, of, goal, opened)
    if not wanted or not isinstance(session, SupportsChanges):
        raise UsageError(f"{NAME}: no field of the database is changed by the actions {list(of)} alone")
    found = session.changes()
    same = all(name in found and found[name] == value for name, value in wanted.items())
    return Status.COMPLETE if same else None


def with_reference_check(goal: Goal, domains: Domains) -> Goal:
    """Return the goal with the check beside the judge on each objective that the reference decides.

    A reference that changes nothing is matched by doing nothing: such goals are returned unchanged, and so are
    objectives that carry a check already.

    Args:
        goal: A decomposed goal, with the reference in ``data["upstream"]["actions"]``.
        domains: Lookup of domains.
    """
    objectives = [c for c in goal.components or () if c.category is Category.OBJECTIVE]
    upstream = goal.data.get("upstream")
    reference = upstream.get("actions") if isinstance(upstream, dict) else None
    if goal.domain is None or not objectives or not reference or all(o.check is not None for o in objectives):
        return goal
    domain = domains(goal.domain)
    writes = changing(reference, goal, domain)
    args: dict[str, Any] = {"domain": goal.domain, "actions": writes}
    if "compat" in goal.data:
        args["compat"] = goal.data["compat"]
    parts: dict[str, dict[str, Any]] = {}
    if len(objectives) == 1 and writes:
        parts = {objectives[0].id: args}
    elif writes:
        parts = {
            objective: {**args, "of": own}
            for objective, own in assigned(writes, goal).items()
            if own_fields(writes, own, goal, domain)
        }
    if not parts:
        return goal
    components = tuple(
        c.model_copy(update={"check": Check(python=NAME, args=parts[c.id], beside=True)})
        if c.id in parts and c.check is None
        else c
        for c in goal.components or ()
    )
    return goal.model_copy(update={"components": components})


def changing(actions: Actions, goal: Goal, domain: Domain) -> list[dict[str, Any]]:
    """Return the reference actions that change the database when all of them are run in order.

    The result is empty for a domain whose sessions are no :class:`~pytest_ugst.core.protocols.SupportsEdits`.
    """
    session = domain.open(goal, 0)
    if not isinstance(session, SupportsEdits):
        return []
    found, before = [], repr(session.edits())
    for action in actions:
        session.call(action["name"], action["arguments"])
        after = repr(session.edits())
        if after != before:
            found.append(dict(action))
        before = after
    return found


def assigned(writes: Actions, goal: Goal) -> dict[str, list[int]]:
    """Assign each action to the objective it belongs to, where the goal's words leave no doubt.

    An action may belong to an objective that asks, in words, for what the action's tool does, and to one that names
    (itself or in a requirement) the order or reservation the action is about; to those alone of which both is true, if
    there are any; and never to one that names only another's. An objective that says what is not to be done, or what
    the user only wants to know, leaves a doubt.

    Args:
        writes: The reference actions that change the database.
        goal: The goal, decomposed.

    Returns:
        By the objective's id, the numbers of its actions, counted from 0; only objectives all of whose possible actions
        are theirs beyond doubt. Empty if there is an action that no objective asks for: it might belong to any.
    """
    objectives = [c for c in goal.components or () if c.category is Category.OBJECTIVE]
    words = {
        o.id: " ".join([o.text, *(c.text for c in goal.components or () if c.parent == o.id)]).lower()
        for o in objectives
    }
    about = [_names(write) for write in writes]
    every = set().union(*about)
    sure: dict[str, list[int]] = {}
    unsure: set[str] = set()
    for number, write in enumerate(writes):
        act = REQUEST_WORDS.get(write["name"])
        fitting = [o for o in objectives if act is not None and act.search(o.text)]
        naming = [o for o in objectives if _mentions(words[o.id], about[number])]
        both = [o for o in fitting if o in naming]
        chosen = both or [*naming, *(o for o in fitting if not _mentions(words[o.id], every))]
        if not chosen:
            return {}
        if len(chosen) == 1 and chosen[0] in fitting and not _DOUBTFUL.search(chosen[0].text):
            sure.setdefault(chosen[0].id, []).append(number)
        else:
            unsure |= {o.id for o in chosen}
    return {objective: own for objective, own in sure.items() if objective not in unsure}


def _names(action: Mapping[str, Any]) -> set[str]:
    """Return the names of an action's order or reservation, as they may stand in a text."""
    values = (action["arguments"].get(name) for name in ("order_id", "reservation_id"))
    return {value.lower().lstrip("#") for value in values if isinstance(value, str) and value.strip("#")}


def _mentions(text: str, names: Iterable[str]) -> bool:
    return any(name in text for name in names)


def own_fields(actions: Actions, of: Sequence[int], goal: Goal, domain: Domain) -> Fields:
    """Return the fields of the database that only some of the actions change, with their values after all actions.

    Args:
        actions: The reference actions.
        of: Numbers of the actions in question, counted from 0.
        goal: The goal to open sessions for.
        domain: The domain.

    Returns:
        Values by table, key and field. Empty as well where the other actions would do something else without these, or
        the domain's sessions are no :class:`~pytest_ugst.core.protocols.SupportsChanges`.

    Raises:
        UsageError: If there is no action of a number in ``of``.
    """
    if not of or not all(isinstance(n, int) and 0 <= n < len(actions) for n in of):
        raise UsageError(f"{NAME}: of: {list(of)!r}: number the actions from 0 to {len(actions) - 1}")
    after, others = (domain.open(goal, 0) for _ in range(2))
    for number, action in enumerate(actions):
        result = after.call(action["name"], action["arguments"])
        if number not in of and others.call(action["name"], action["arguments"]).ok != result.ok:
            return {}
    if not isinstance(after, SupportsChanges) or not isinstance(others, SupportsChanges):
        return {}
    shared = others.changes()
    return {name: value for name, value in after.changes().items() if name not in shared}
