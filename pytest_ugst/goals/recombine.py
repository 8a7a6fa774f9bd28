"""Recombination of goals for training: persons and tasks of several goals are put together anew.

A goal's profile and policies say who somebody is, its objectives with their requirements and preferences say what is
to be done. Both read well in other company, since every sub-component stands in words of its own. What would
contradict each other by its slots (a person who travels alone and a table for four) is not put together. All choices
are drawn from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category

TAG: Final = "recombined"
_TRIES: Final = 200  # draws in a row that fit nothing, before we give up
_AND_THEN: Final = ("", "", "Also, ", "Then, ", "Besides, ", "After that, ")
_NEEDS_BOOKING: Final = frozenset({"read_back_reference", "ask_to_repeat_booking"})
_BOOKING: Final = frozenset({"book", "change"})


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """An objective with what belongs to it, and the data its domain needs."""

    goal: str
    objective: Component
    parts: tuple[Component, ...]
    data: dict[str, Any]

    @property
    def wanted(self) -> dict[str, Any]:
        """The slots of objective and parts; those of the parts, which are more precise, take precedence."""
        slots: dict[str, Any] = dict(self.objective.slots)
        for part in self.parts:
            slots |= {k: v for k, v in part.slots.items() if k != "kind"}
        return slots


def recombine(goals: Iterable[Goal], count: int, seed: int, *, tags: Sequence[str] = ("train",)) -> list[Goal]:
    """Make new goals from the parts of others.

    Args:
        goals: Goals of one domain, with components and slots.
        count: The number of goals to make; all are different.
        seed: The seed of all choices.
        tags: Tags of the new goals, beside ``recombined``.

    Raises:
        UsageError: If the goals have no parts to put together, are of several domains, or give fewer combinations.
    """
    goals = [goal for goal in goals if goal.components]
    domains = {goal.domain for goal in goals}
    if len(domains) > 1:
        raise UsageError(f"goals of several domains ({', '.join(map(str, domains))}) can't be recombined; name one")
    tasks = [task for goal in goals for task in tasks_of(goal)]
    persons = [[c for c in goal.components or () if c.category is Category.PROFILE] for goal in goals]
    rules = [[c for c in goal.components or () if c.category is Category.POLICY] for goal in goals]
    if not tasks:
        raise UsageError("no goal with components that has an objective; name goals that are cut up")
    rng = random.Random(f"recombine {seed}")  # noqa: S311
    made: dict[tuple[str, ...], Goal] = {}
    misses = 0
    while len(made) < count:
        who = rng.randrange(len(goals))
        profile, policies = list(persons[who]), list(rules[who])
        if not any("words" in p.slots for p in policies):  # a secret belongs to the person who keeps it
            policies = list(rng.choice([r for r in rules if not any("words" in p.slots for p in r)] or [policies]))
        rng.shuffle(profile)
        chosen = rng.sample(tasks, min(len(tasks), rng.choice((1, 2, 2, 2, 3))))
        key = tuple(c.text for c in (*profile, *policies)) + tuple(sorted(t.objective.text + t.goal for t in chosen))
        if key in made or not fits(profile, policies, chosen):
            misses += 1
            if misses > _TRIES:
                raise UsageError(f"these goals give {len(made)} combinations with this seed, {count} were asked for")
            continue
        misses = 0
        made[key] = _assembled(
            f"{TAG}-{seed}-{len(made) + 1}", goals[0].domain, profile, policies, chosen, (*tags, TAG), rng
        )
    return list(made.values())


def tasks_of(goal: Goal) -> list[TaskGroup]:
    """Return a goal's objectives, each with its requirements and preferences."""
    components = goal.components or ()
    return [
        TaskGroup(goal.id, c, tuple(p for p in components if p.parent == c.id), dict(goal.data))
        for c in components
        if c.category is Category.OBJECTIVE
    ]


def fits(profile: Sequence[Component], policies: Sequence[Component], tasks: Sequence[TaskGroup]) -> bool:
    """Return whether a person can want these tasks, as far as their slots tell."""
    person: dict[str, Any] = {}
    for part in profile:
        person |= part.slots
    wanted = [task.wanted for task in tasks]
    people = {w["people"] for w in wanted if "people" in w}
    if person.get("alone") and people - {1}:
        return False
    if "party" in person and people - {person["party"]}:
        return False
    if person.get("diet") == "vegetarian" and any(w.get("cuisine", "vegetarian") != "vegetarian" for w in wanted):
        return False
    trains = [w for w in wanted if "origin" in w]
    if "city" in person and any(person["city"] not in (w["origin"], w["destination"]) for w in trains):
        return False
    books = any(w.get("intent") in _BOOKING for w in wanted)
    if not books and any(p.slots.get("behaviour") in _NEEDS_BOOKING for p in policies):
        return False
    return _apart(wanted) and _together(tasks)


def _apart(wanted: Sequence[dict[str, Any]]) -> bool:
    """Return whether an agent can tell the tasks apart: no two are about the same kind of thing."""
    kinds = [(w.get("kind"), w.get("intent"), str(w.get("cuisine") or w.get("area"))) for w in wanted]
    return len(set(kinds)) == len(kinds)


def _together(tasks: Sequence[TaskGroup]) -> bool:
    """Return whether the domain's data for one task leaves the others as they are."""
    return len({task.goal for task in tasks if task.data}) <= 1


def _assembled(
    name: str,
    domain: str | None,
    profile: Sequence[Component],
    policies: Sequence[Component],
    tasks: Sequence[TaskGroup],
    tags: tuple[str, ...],
    rng: random.Random,
) -> Goal:
    """Make one goal of its parts; the order of its sentences is drawn."""
    person = [c.text for c in profile]
    rules = [c.text for c in policies]
    sentences: list[str] = []
    for number, task in enumerate(tasks):
        opening = rng.choice(_AND_THEN) if number else ""
        sentences.append(_joined(opening, task.objective.text))
        sentences += [part.text for part in task.parts]
    blocks = [person + rules, sentences] if rng.random() < 0.7 else [person, sentences, rules]
    components = [c.model_copy(update={"id": f"p{i}"}) for i, c in enumerate((*profile, *policies), 1)]
    data: dict[str, Any] = {}
    for number, task in enumerate(tasks, 1):
        components.append(task.objective.model_copy(update={"id": f"t{number}"}))
        components += [
            part.model_copy(update={"id": f"t{number}.{i}", "parent": f"t{number}", "parent_text": None})
            for i, part in enumerate(task.parts, 1)
        ]
        data |= task.data
    return Goal(
        id=name,
        text=" ".join(sentence for block in blocks for sentence in block),
        domain=domain,
        components=tuple(components),
        tags=tags,
        data=data,
    )


def _joined(opening: str, sentence: str) -> str:
    return opening + sentence[0].lower() + sentence[1:] if opening else sentence
