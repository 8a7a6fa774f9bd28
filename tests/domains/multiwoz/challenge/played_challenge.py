"""Conversations of a user and an agent that both do their part perfectly, for goals of the MultiWOZ Challenge.

The agent calls the domain's real tools. What is found, and which branch a conditional objective takes, is read off the
tools' results here, with nothing from the generator but the goal itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category
from pytest_ugst.domains.multiwoz import Multiwoz
from pytest_ugst.domains.session import DomainSession

SEARCH = {
    "restaurant": "search_restaurants",
    "hotel": "search_hotels",
    "attraction": "search_attractions",
    "train": "search_trains",
}
TERMS = ("people", "nights", "time")
SORRY = "I am sorry, there is nothing that matches."


class Played:
    """A goal that was played."""

    def __init__(self, goal: Goal, domain: Multiwoz, seed: int = 0) -> None:
        self.session: DomainSession = domain.open(goal, seed)
        self.calls: list[ToolCall] = []
        self.turned: dict[str, bool] = {}
        """By objective with a condition, whether the user turned to the other thing."""
        turns = []
        components = goal.components or ()
        for objective in components:
            if objective.category is not Category.OBJECTIVE:
                continue
            parts = [part for part in components if part.parent == objective.id]
            self.calls = []
            said = " ".join([objective.text, *(part.text for part in parts)])
            agent = self._serve(objective, parts)
            turns.append(
                Turn(user=said.replace("just for you", "just for me"), tool_calls=tuple(self.calls), agent=agent)
            )
        self.conversation = Conversation(turns=tuple(turns))

    def _serve(self, objective: Component, parts: list[Component]) -> str:
        slots: Mapping[str, Any] = objective.slots
        want = dict(slots.get("want", {}))
        for part in parts:
            if part.category is Category.REQUIREMENT:
                want |= part.slots
        terms = {name: want.pop(name) for name in TERMS if name in want}
        if slots["kind"] != "train" and "day" in want:
            terms["day"] = want.pop("day")
        found = self._find(slots["kind"], want)
        condition = slots.get("condition")
        if condition is not None:
            turn = not found if condition.get("none") else _holds(condition, found[0])
            self.turned[objective.id] = turn
            if turn:
                other = slots["alternative"]
                said = f"That is {found[0]['name']}. " if found else f"{SORRY} "
                found = self._find(other["kind"], other["want"])
                return said + self._tell(other, found[0])
        if not found:
            return SORRY
        if slots["intent"] == "book":
            booked = self._book(slots["kind"], found, terms)
            if booked is None and "if_full" in slots:
                self.turned[objective.id] = True
                booked = self._book(slots["kind"], found, {**terms, **slots["if_full"]})
            elif "if_full" in slots:
                self.turned[objective.id] = False
            return f"{booked or 'I am sorry, it is fully booked.'} {self._tell(slots, found[0])}"
        return self._tell(slots, found[0])

    def _call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        result = self.session.call(tool, arguments)
        self.calls.append(
            ToolCall(id=str(len(self.calls)), name=tool, arguments=dict(arguments), result=result.text, ok=result.ok)
        )
        return json.loads(result.text) if result.ok else None

    def _find(self, kind: str, want: Mapping[str, Any]) -> list[Any]:
        if "name" in want:
            found = [self._call("get_details", {"name": want["name"]})]
        else:
            listed: list[Any] = self._call(SEARCH[kind], want)["results"]
            if kind == "train":
                return listed
            found = [self._call("get_details", {"name": record["name"]}) for record in listed]
        assert all(found)
        return found

    def _book(self, kind: str, found: list[Any], terms: Mapping[str, Any]) -> str | None:
        for record in found:
            which = {"train_id": record["id"], "day": record["day"]} if kind == "train" else {"name": record["name"]}
            if kind == "train":
                which |= {"departs": record["departs"]}
            made = self._call(f"book_{kind}", {**which, **terms})
            if made is not None:
                found[:] = [record]
                return f"It is booked, your reference is {made['reference']}."
        return None

    def _tell(self, slots: Mapping[str, Any], record: Mapping[str, Any]) -> str:
        answer = f"{record.get('name') or record['id']} it is."
        for fact in slots.get("ask", ()):
            value = record[fact]
            words = {"stars": f"{value} stars", "minutes": f"{value} minutes"}.get(fact, str(value))
            answer += f" The {fact} is {words}."
        return answer


def _holds(condition: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    value = record[condition["fact"]]
    assert value != "unknown"
    if "is" in condition:
        return bool(value == condition["is"])
    amount = 0.0 if value == "free" else float(str(value).split()[0])
    return bool(amount > condition["above"] if "above" in condition else amount < condition["below"])
