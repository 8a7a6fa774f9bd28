"""Conditional task objectives: look for one thing, and turn to another if it is not right.

Only such are made whose branch the database decides: the fact in question is known of everything the first search can
find, and it is the same for all of it; or nothing is found at all; or the goal itself says whether there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_ugst.domains.multiwoz.challenge.objectives import (
    MOST_FOUND,
    UNSPOKEN_KINDS,
    NoQuestError,
    Quest,
    Quests,
    Slots,
    in_order,
    value_of,
)
from pytest_ugst.domains.multiwoz.challenge.splits import known, searched, split_of
from pytest_ugst.domains.multiwoz.clock import DAYS, clock, minutes
from pytest_ugst.domains.multiwoz.town import Record

_TRIES: Final = 400
_CHANGES: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("area", "cuisine"),
    "hotel": ("area", "price"),
    "attraction": ("area", "kind"),
}
"""What the other thing differs in."""


def conditional(quests: Quests, what: str, taken: bool) -> Quest:
    """A conditional objective whose condition holds, or does not.

    Raises:
        NoQuestError: If none is found.
    """
    ways = _WAYS[what]
    for _ in range(_TRIES):
        made = quests.rng.choice(ways)(quests, what, taken)
        if made is not None:
            return made
    raise NoQuestError(what)


def holds(condition: Mapping[str, Any], record: Record) -> bool:
    """Whether a condition on a fact holds for a record.

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


def _by_fact(quests: Quests, what: str, taken: bool) -> Quest | None:
    rng = quests.rng
    entity = rng.choice(quests.world.part(what, quests.split))
    condition = _condition(quests, what, entity, taken)
    if condition is None:
        return None
    told = {"area", "entry_fee", "price", "stars", "parking"} & {condition["fact"], _told_by(condition["fact"])}
    fields = [name for name in quests.spoken(what, entity) if name not in told and name != "wifi"]
    if rng.random() < 0.5 or len(fields) < 2:
        want: Slots = {"name": entity["name"]}
    else:
        want = in_order(what, {name: value_of(entity, name) for name in fields[:3]})
    found = quests.world.search(what, want)
    if not 1 <= len(found) <= 3 or not quests.world.within(what, found, quests.split):
        return None
    if not known(found, condition["fact"]) or any(holds(condition, record) is not taken for record in found):
        return None
    other = _alternative(quests, what, entity, condition)
    if other is None or any(record in found for record in other.found):
        return None
    return _with_asks(quests, Quest(what, "find", "conditional", want, found=tuple(found)), condition, other, taken)


def _told_by(fact: str) -> str:
    return "free_entry" if fact == "entry_fee" else fact


def _condition(quests: Quests, what: str, entity: Record, taken: bool) -> Slots | None:
    """A condition on a known fact of the entity that holds, or does not."""
    rng = quests.rng
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
        values = [value for value in quests.world.values(what, fact) if value != "free"]
        condition = {"fact": fact, "is": entity[fact] if taken else rng.choice(values)}
    return condition if holds(condition, entity) is taken else None


def _alternative(quests: Quests, what: str, entity: Record, condition: Slots) -> Quest | None:
    """Something else of the same sort, that is as it should be."""
    rng = quests.rng
    second = rng.choice(quests.world.part(what, quests.split))
    if second is entity:
        return None
    names = [name for name in _CHANGES[what] if value_of(second, name) is not None]
    if len(names) < 2 or second.get("kind") in UNSPOKEN_KINDS:
        return None
    want = in_order(what, {name: second[name] for name in names})
    found = quests.world.search(what, want)
    if not 1 <= len(found) <= MOST_FOUND or not quests.world.within(what, found, quests.split):
        return None
    if not known(found, condition["fact"]) or any(holds(condition, record) for record in found):
        return None
    return Quest(what, "find", "conditional", want, found=tuple(found))


def _by_none(quests: Quests, what: str, taken: bool) -> Quest | None:
    """If there is no such thing, another one."""
    first = quests.impossible(what) if taken else quests.normal(what)
    if "name" in first.want or len(first.want) < 2:
        return None
    changed = quests.rng.choice([name for name in _CHANGES[what] if name in first.want] or [""])
    if not changed:
        return None
    want = {**first.want, changed: quests.rng.choice(quests.world.values(what, changed))}
    found = quests.world.search(what, want)
    if want == first.want or not 1 <= len(found) <= MOST_FOUND:
        return None
    if want.get("kind") in UNSPOKEN_KINDS or want.get("price") == "free":
        return None
    if not quests.world.within(what, found, quests.split):
        return None
    first = Quest(what, "find", "conditional", first.want, found=first.found)
    other = Quest(what, "find", "conditional", want, found=tuple(found))
    return _with_asks(quests, first, {"none": True}, other, taken)


def _no_train(quests: Quests, what: str, taken: bool) -> Quest | None:
    """If no train is there in time, a later one."""
    base = quests.normal("train")
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
    found = quests.world.search("train", first_want)
    if bool(found) is taken or split_of(searched(what, first_want)) != quests.split:
        return None
    later = clock((minutes(first_want["arrive_by"]) + quests.rng.choice((30, 60, 90))) // 15 * 15)
    if later <= first_want["arrive_by"]:
        return None
    other_want = {**want, "leave_after": first_want["leave_after"], "arrive_by": later}
    others = quests.world.search("train", other_want)
    if not 1 <= len(others) <= MOST_FOUND or not quests.world.within("train", [*found, *others], quests.split):
        return None
    first = Quest(what, "find", "conditional", first_want, found=tuple(found))
    other = Quest(what, "find", "conditional", other_want, found=tuple(others))
    return _with_asks(quests, first, {"none": True}, other, taken)


def _by_room(quests: Quests, what: str, taken: bool) -> Quest | None:
    """If the place is full on the day, another day. The goal's data says whether it is."""
    entity = quests.rng.choice(quests.world.part(what, quests.split))
    terms = quests.terms(what)
    another = quests.rng.choice([day for day in DAYS if day != terms["day"]])
    first = Quest(
        what, "book", "conditional", {"name": entity["name"]}, terms=terms, found=(entity,), condition={"full": True}
    )
    other = replace(first, terms={**terms, "day": another}, condition={})
    return replace(first, other=other, taken=taken)


def _with_asks(quests: Quests, first: Quest, condition: Slots, other: Quest, taken: bool) -> Quest:
    """Let the user want to know the same things of whichever it will be."""
    told = {**first.want, **other.want, condition.get("fact", ""): None}
    ask = quests.asks(first.what, told, [*first.found, *other.found], quests.rng.choice((1, 1, 2)))
    return replace(first, condition=condition, other=replace(other, ask=ask), taken=taken, ask=ask)


_Way = Callable[[Quests, str, bool], Quest | None]
_WAYS: Final[Mapping[str, tuple[_Way, ...]]] = {
    "restaurant": (_by_fact, _by_fact, _by_none, _by_room),
    "hotel": (_by_fact, _by_fact, _by_none, _by_room),
    "attraction": (_by_fact, _by_fact, _by_none),
    "train": (_no_train,),
}
