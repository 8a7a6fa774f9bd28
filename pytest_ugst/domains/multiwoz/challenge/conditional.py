"""Conditional task objectives: look for one thing, and switch to an alternative under a condition.

The branch of every objective is decided by the database: the condition's fact is known of all records that the first
search finds, and all of them agree on the condition; or nothing is found at all; or the goal itself says whether there
is room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_ugst.domains.multiwoz.challenge.objectives import (
    MOST_FOUND,
    UNSPOKEN_KINDS,
    NoObjectiveError,
    ObjectiveSampler,
    ObjectiveSpec,
    Slots,
    in_order,
    value_of,
)
from pytest_ugst.domains.multiwoz.challenge.splits import known, searched, split_of
from pytest_ugst.domains.multiwoz.clock import DAYS, clock, minutes
from pytest_ugst.domains.multiwoz.database import Record

_TRIES: Final = 400
_CHANGES: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("area", "cuisine"),
    "hotel": ("area", "price"),
    "attraction": ("area", "kind"),
}
"""Fields in which the alternative differs, by kind of place."""


def conditional(sampler: ObjectiveSampler, what: str, taken: bool) -> ObjectiveSpec:
    """Draw a conditional objective.

    Args:
        sampler: The goal's sampler.
        what: The kind of record.
        taken: Draw one whose condition holds, so that the user has to switch; else one whose condition does not.

    Raises:
        NoObjectiveError: If none is found in a bounded number of tries.
    """
    variants = _VARIANTS[what]
    for _ in range(_TRIES):
        objective = sampler.rng.choice(variants)(sampler, what, taken)
        if objective is not None:
            return objective
    raise NoObjectiveError(what)


def holds(condition: Mapping[str, Any], record: Record) -> bool:
    """Return whether a condition on a fact holds for a record.

    Raises:
        ValueError: If the fact is not known of it.
    """
    fact = condition["fact"]
    value = record.get(fact, "unknown")
    if value == "unknown":
        raise ValueError(f"{fact} is not known of {record.get('name')}")
    if "is" in condition:
        return bool(value == condition["is"])
    amount = 0.0 if value == "free" else float(str(value).split()[0])
    return amount > float(condition["above"]) if "above" in condition else amount < float(condition["below"])


def _by_fact(sampler: ObjectiveSampler, what: str, taken: bool) -> ObjectiveSpec | None:
    """Draw an objective with a condition on a fact; None if this attempt failed."""
    rng = sampler.rng
    entity = rng.choice(sampler.database.part(what, sampler.split))
    condition = _condition(sampler, what, entity, taken)
    if condition is None:
        return None
    revealed = {"area", "entry_fee", "price", "stars", "parking"} & {
        condition["fact"],
        _search_field(condition["fact"]),
    }
    fields = [name for name in sampler.spoken(what, entity) if name not in revealed and name != "wifi"]
    if rng.random() < 0.5 or len(fields) < 2:
        want: Slots = {"name": entity["name"]}
    else:
        want = in_order(what, {name: value_of(entity, name) for name in fields[:3]})
    found = sampler.database.search(what, want)
    if not 1 <= len(found) <= 3 or not sampler.database.within(what, found, sampler.split):
        return None
    if not known(found, condition["fact"]) or any(holds(condition, record) is not taken for record in found):
        return None
    other = _alternative(sampler, what, entity, condition)
    if other is None or any(record in found for record in other.found):
        return None
    return _with_questions(
        sampler, ObjectiveSpec(what, "find", "conditional", want, found=tuple(found)), condition, other, taken
    )


def _search_field(fact: str) -> str:
    """Return the field of a search that reveals a fact."""
    return "free_entry" if fact == "entry_fee" else fact


def _condition(sampler: ObjectiveSampler, what: str, entity: Record, taken: bool) -> Slots | None:
    """Draw a condition on a known fact of the entity that holds for it, or does not, as ``taken`` says."""
    rng = sampler.rng
    facts = {
        "restaurant": ("price", "area"),
        "hotel": ("price", "area", "stars", "parking"),
        "attraction": ("entry_fee", "entry_fee", "area"),
    }[what]
    fact = rng.choice(facts)
    if not known([entity], fact) or (fact == "stars" and entity["stars"] == 0):
        return None
    condition: Slots
    if fact == "entry_fee":
        condition = {"fact": fact, "above": rng.choice((0, 0, 3))}
    elif fact == "stars":
        condition = {"fact": fact, "below": rng.choice((3, 4))}
    elif fact == "parking":
        condition = {"fact": fact, "is": False}
    else:
        values = [value for value in sampler.database.values(what, fact) if value != "free"]
        condition = {"fact": fact, "is": entity[fact] if taken else rng.choice(values)}
    return condition if holds(condition, entity) is taken else None


def _alternative(sampler: ObjectiveSampler, what: str, entity: Record, condition: Slots) -> ObjectiveSpec | None:
    """Draw an alternative of the same kind, all of whose records fail the condition."""
    rng = sampler.rng
    second = rng.choice(sampler.database.part(what, sampler.split))
    if second is entity:
        return None
    names = [name for name in _CHANGES[what] if value_of(second, name) is not None]
    if len(names) < 2 or second.get("kind") in UNSPOKEN_KINDS:
        return None
    want = in_order(what, {name: second[name] for name in names})
    found = sampler.database.search(what, want)
    if not 1 <= len(found) <= MOST_FOUND or not sampler.database.within(what, found, sampler.split):
        return None
    if not known(found, condition["fact"]) or any(holds(condition, record) for record in found):
        return None
    return ObjectiveSpec(what, "find", "conditional", want, found=tuple(found))


def _by_none(sampler: ObjectiveSampler, what: str, taken: bool) -> ObjectiveSpec | None:
    """Draw an objective with an alternative for the case that nothing is found; None if this attempt failed."""
    first = sampler.impossible(what) if taken else sampler.normal(what)
    if "name" in first.want or len(first.want) < 2:
        return None
    changed = sampler.rng.choice([name for name in _CHANGES[what] if name in first.want] or [""])
    if not changed:
        return None
    want = {**first.want, changed: sampler.rng.choice(sampler.database.values(what, changed))}
    found = sampler.database.search(what, want)
    if want == first.want or not 1 <= len(found) <= MOST_FOUND:
        return None
    if want.get("kind") in UNSPOKEN_KINDS or want.get("price") == "free":
        return None
    if not sampler.database.within(what, found, sampler.split):
        return None
    first = ObjectiveSpec(what, "find", "conditional", first.want, found=first.found)
    other = ObjectiveSpec(what, "find", "conditional", want, found=tuple(found))
    return _with_questions(sampler, first, {"none": True}, other, taken)


def _no_train(sampler: ObjectiveSampler, what: str, taken: bool) -> ObjectiveSpec | None:
    """Draw an objective with a later train for the case that none arrives in time; None if this attempt failed."""
    base = sampler.normal("train")
    train = base.found[0]
    want = {name: train[name] for name in ("origin", "destination", "day")}
    if taken:
        leave = minutes(train["departs"]) // 15 * 15
        by = leave + train["minutes"] - 20
        first_want = {**want, "leave_after": clock(leave), "arrive_by": clock(by // 5 * 5)}
        if train["minutes"] < 40 or by >= 24 * 60:
            return None
    else:
        first_want = base.want
        if "arrive_by" not in first_want or "leave_after" not in first_want:
            return None
    found = sampler.database.search("train", first_want)
    if bool(found) is taken or split_of(searched(what, first_want)) != sampler.split:
        return None
    later = clock((minutes(first_want["arrive_by"]) + sampler.rng.choice((30, 60, 90))) // 15 * 15)
    if later <= first_want["arrive_by"]:
        return None
    other_want = {**want, "leave_after": first_want["leave_after"], "arrive_by": later}
    others = sampler.database.search("train", other_want)
    if not 1 <= len(others) <= MOST_FOUND or not sampler.database.within("train", [*found, *others], sampler.split):
        return None
    first = ObjectiveSpec(what, "find", "conditional", first_want, found=tuple(found))
    other = ObjectiveSpec(what, "find", "conditional", other_want, found=tuple(others))
    return _with_questions(sampler, first, {"none": True}, other, taken)


def _by_room(sampler: ObjectiveSampler, what: str, taken: bool) -> ObjectiveSpec | None:
    """Draw a booking with another day for the case that the place is full. The goal's ``data`` says whether it is."""
    entity = sampler.rng.choice(sampler.database.part(what, sampler.split))
    terms = sampler.terms(what)
    another = sampler.rng.choice([day for day in DAYS if day != terms["day"]])
    first = ObjectiveSpec(
        what, "book", "conditional", {"name": entity["name"]}, terms=terms, found=(entity,), condition={"full": True}
    )
    other = replace(first, terms={**terms, "day": another}, condition={})
    return replace(first, other=other, taken=taken)


def _with_questions(
    sampler: ObjectiveSampler, first: ObjectiveSpec, condition: Slots, other: ObjectiveSpec, taken: bool
) -> ObjectiveSpec:
    """Return the conditional objective with the same facts asked for in both branches."""
    given = {**first.want, **other.want, condition.get("fact", ""): None}
    ask = sampler.asks(first.what, given, [*first.found, *other.found], sampler.rng.choice((1, 1, 2)))
    return replace(first, condition=condition, other=replace(other, ask=ask), taken=taken, ask=ask)


_Variant = Callable[[ObjectiveSampler, str, bool], ObjectiveSpec | None]
_VARIANTS: Final[Mapping[str, tuple[_Variant, ...]]] = {
    "restaurant": (_by_fact, _by_fact, _by_none, _by_room),
    "hotel": (_by_fact, _by_fact, _by_none, _by_room),
    "attraction": (_by_fact, _by_fact, _by_none),
    "train": (_no_train,),
}
