"""The check of the database against the reference, beside the judge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.conversation import Conversation, ToolCall
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.protocols import NoSession, ToolResult
from pytest_ugst.core.registry import Registry
from pytest_ugst.core.status import Status
from pytest_ugst.domains.tau.goals import import_tau_bench
from pytest_ugst.domains.tau.reference_check import changing, db_matches_reference, with_reference_check
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.roles import builtins
from tests.factories import make_conversation, make_goal, make_turn, objective, profile


class Shelf(NoSession):
    """A database of one set of things, to put in and take out."""

    def __init__(self, goal: Goal) -> None:
        super().__init__()
        self.things: set[str] = set()
        self._goal = goal

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        if name == "look":
            return ToolResult(", ".join(sorted(self.things)))
        thing = arguments.get("thing")
        if not isinstance(thing, str) or (name == "take" and thing not in self.things):
            return ToolResult("Error: no", ok=False)
        (self.things.add if name == "put" else self.things.discard)(thing)
        return ToolResult("done")

    def edits(self) -> list[str]:
        return sorted(self.things)

    def scores(self, conversation: Conversation) -> dict[str, float]:
        reference = Shelf(self._goal)
        for action in self._goal.data["upstream"]["actions"]:
            reference.call(action["name"], action["arguments"])
        return {"db": float(reference.things == self.things)}


class Shelves:
    name = "shelves"

    def open(self, goal: Goal, seed: int) -> Shelf:
        return Shelf(goal)


class Unscored:
    name = "unscored"

    def open(self, goal: Goal, seed: int) -> NoSession:
        return NoSession()


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id="1", name=name, arguments=arguments, result="")


def action(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


OBJECTIVE = objective("task-1", text="Put tea and milk on the shelf.")
PROFILE = profile("profile-1", text="You are Ada.")
ACTIONS = [action("look"), action("put", thing="tea"), action("take", thing="gin"), action("put", thing="milk")]
WRITES = [ACTIONS[1], ACTIONS[3]]


def goal(*components: Component, actions: Any = ACTIONS, domain: str | None = "shelves") -> Goal:
    return make_goal("g", *components, domain=domain, data={"upstream": {"actions": actions}})


def talk(*turns: list[ToolCall]) -> Conversation:
    return make_conversation(*(make_turn("Please.", "Yes.", *calls) for calls in turns))


def test_complete_once_the_database_is_as_the_reference_leaves_it() -> None:
    heard = talk([call("put", thing="tea")], [call("look"), call("put", thing=7), call("put", thing="milk")], [])

    def said(turn: int, heard: Conversation = heard) -> Status | None:
        return db_matches_reference(lambda name: Shelves(), OBJECTIVE, heard, turn, domain="shelves", actions=WRITES)

    assert [said(turn) for turn in (1, 2, 3)] == [None, Status.COMPLETE, Status.COMPLETE]
    assert said(1, talk([call("put", thing="milk"), call("put", thing="gin"), call("put", thing="tea")])) is None


def test_a_domain_without_a_score() -> None:
    with pytest.raises(UsageError, match="does not score its database"):
        db_matches_reference(lambda name: Unscored(), OBJECTIVE, talk([]), 1, domain="unscored", actions=WRITES)


def test_what_changes_the_database() -> None:
    assert changing(ACTIONS, goal(), Shelves()) == WRITES
    assert changing(ACTIONS, goal(), Unscored()) == []


def test_a_single_objective_gets_the_check() -> None:
    made = with_reference_check(goal(PROFILE, OBJECTIVE), lambda name: Shelves())
    assert made.components is not None
    profile, objective = made.components
    assert profile == PROFILE
    assert objective.check is not None
    assert objective.check.beside
    assert objective.check.args == {"domain": "shelves", "actions": WRITES}
    assert with_reference_check(made, lambda name: Shelves()) is made


@pytest.mark.parametrize(
    "other",
    [
        goal(PROFILE),
        goal(OBJECTIVE, OBJECTIVE.model_copy(update={"id": "task-2"})),  # of no tool is known what asks for it
        goal(OBJECTIVE, actions=[action("look")]),
        goal(OBJECTIVE, actions=[]),
        goal(OBJECTIVE, domain=None),
        goal(OBJECTIVE).model_copy(update={"data": {"upstream": "elsewhere"}}),
        goal(OBJECTIVE).model_copy(update={"components": None}),
    ],
)
def test_other_goals_stay_as_they_are(other: Goal) -> None:
    assert with_reference_check(other, lambda name: Shelves()) is other


def test_it_is_registered() -> None:
    registry = Registry()
    builtins.pytest_ugst_register(registry)
    registry.domain("shelves", Shelves)
    made = with_reference_check(goal(OBJECTIVE), lambda name: registry.domains.get(name)())
    judge = ChecksJudge(registry.checks)
    judge.validate(made)
    heard = talk([call("put", thing="milk")], [call("put", thing="tea")])
    verdicts = [judge.verdicts(made.components or (), heard, turn)[0] for turn in (1, 2)]
    assert [verdict.status for verdict in verdicts] == [Status.INCOMPLETE, Status.COMPLETE]


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with tau-bench")
def test_upstream() -> None:
    """Doing what the reference does completes the objective, for every airline goal whose reference writes."""
    registry = Registry()
    builtins.pytest_ugst_register(registry)
    judge = ChecksJudge(registry.checks)
    checked = 0
    for one in import_tau_bench(Path(os.environ["UGST_DATA"]), "airline"):
        made = with_reference_check(
            one.model_copy(update={"components": (OBJECTIVE,)}), lambda name: registry.domains.get(name)()
        )
        assert made.components is not None
        if made.components[0].check is None:
            continue
        checked += 1
        calls = [call(a["name"], **a["arguments"]) for a in made.data["upstream"]["actions"]]
        first, second = (
            judge.verdicts(made.components, talk([]), 1)[0],
            judge.verdicts(made.components, talk(calls), 1)[0],
        )
        assert (first.status, second.status) == (Status.INCOMPLETE, Status.COMPLETE), one.id
    assert checked == 30  # doing nothing solves the other 20
