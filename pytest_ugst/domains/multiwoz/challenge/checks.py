"""Checks for objectives, requirements and preferences, decided by the database, the tool calls and what is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pytest_ugst.core.check import Check, Condition, ToolMatch
from pytest_ugst.domains.multiwoz.challenge import patterns
from pytest_ugst.domains.multiwoz.challenge.objectives import ObjectiveSpec, Slots
from pytest_ugst.domains.multiwoz.database import Record

_SEARCH: Final = {
    "restaurant": "search_restaurants",
    "hotel": "search_hotels",
    "attraction": "search_attractions",
    "train": "search_trains",
}
_NONE = r'"count": 0\b'


def of_objective(objective: ObjectiveSpec) -> Check:
    """Return the check of an objective: complete, or attempted in vain.

    A search is complete when the agent named a place that the goal allows and stated the facts that were asked for; a
    booking when it was made. An impossible objective can only be attempted: the agent searched for it as wanted and
    found nothing, or said so after the user had stated all constraints.
    """
    if objective.kind == "impossible":
        return Check(attempted=_nothing_found(objective))
    effective = objective.effective
    done = _any([_facts_stated(effective, record) for record in effective.found])
    if effective.intent == "book":
        done = _all(
            [
                Condition(tool=_booked(effective, dated="full" in objective.condition)),
                *([done] if effective.ask else []),
            ]
        )
    if objective.taken and not objective.condition.get("full"):
        done = _all([_first_considered(objective), done])
    return Check(complete=done, attempted=_refused(effective, dated="full" in objective.condition))


def of_requirement(objective: ObjectiveSpec, wanted: Slots) -> Check:
    """Return the check of a requirement: it shows in a search, in the choice of a place, or in a booking."""
    part = objective if objective.kind == "impossible" or not objective.condition.get("full") else objective.effective
    terms = {name: value for name, value in wanted.items() if name in part.terms}
    refused = _all(
        [_in_order([_says(text), Condition(agent_says=patterns.UNAVAILABLE)]) for text in patterns.constraints(wanted)]
    )
    if terms:
        dated = {"day": part.terms["day"]} if objective.condition.get("full") else {}
        match = ToolMatch(name=f"book_{part.what}", args=_booking_args(part, {**terms, **dated}))
        attempted = _any([Condition(tool=match.model_copy(update={"ok": False})), refused])
        if objective.kind == "impossible":  # There is nothing to book: stating the terms is all that can be done.
            return Check(attempted=attempted)
        return Check(complete=Condition(tool=match), attempted=attempted)
    searched = ToolMatch(name=_SEARCH[objective.what], args=_search_args(wanted))
    attempted = _any([Condition(tool=searched.model_copy(update={"result": _NONE})), refused])
    if objective.kind == "impossible":
        return Check(attempted=attempted)
    if not objective.found:  # Nothing satisfies it, and the user switches to the alternative.
        return Check(complete=Condition(tool=searched), attempted=attempted)
    chosen = [Condition(tool=searched), *_picked(objective.what, objective.found)]
    if objective.what != "train":
        stated = _all([_says(text) for text in patterns.constraints(wanted)])
        chosen.append(_in_order([stated, Condition(agent_says=_names(objective.found))]))
    return Check(complete=_any(chosen), attempted=attempted)


def of_preference(wanted: Slots) -> Check:
    """Return the check of a preference, which is aligned once the user has stated it."""
    return Check(aligned=_all([_says(text) for text in patterns.constraints(wanted)]))


def _facts_stated(objective: ObjectiveSpec, record: Record) -> Condition:
    """Return the condition that the agent stated the facts that were asked for, of this record."""
    facts = [Condition(agent_says=patterns.fact(record, fact)) for fact in objective.ask]
    if objective.what == "train":
        leaves = Condition(agent_says=rf"{record['id']}\b|{patterns.clock(record['departs'])}")
        return _all([leaves, *facts])
    return _all([Condition(agent_says=patterns.name(record["name"])), *facts])


def _booked(objective: ObjectiveSpec, dated: bool) -> ToolMatch:
    """Return the match of the booking; on its day where the objective itself names the day."""
    return ToolMatch(
        name=f"book_{objective.what}", args=_booking_args(objective, {"day": objective.terms["day"]} if dated else {})
    )


def _booking_args(part: ObjectiveSpec, terms: Slots) -> dict[str, Any]:
    args: dict[str, Any] = dict(terms)
    if part.what == "train":
        return {"train_id": [t["id"] for t in part.found], "day": part.want["day"], **args} if part.found else args
    return {"name": _spelled(part.found), **args} if part.found else args


def _spelled(found: Iterable[Record]) -> list[Any]:
    """Return the names as an agent may spell them in a call."""
    names: list[Any] = []
    for record in found:
        bare = str(record["name"]).removeprefix("The ")
        names += [bare, f"The {bare}"]
        names += [bare.replace("'", ""), f"The {bare.replace(chr(39), '')}"] if "'" in bare else []
    return names


def _search_args(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return constraints as arguments of a search.

    A station may be given by the word that tells it apart from others.
    """
    args: dict[str, Any] = dict(wanted)
    for name in ("origin", "destination"):
        if name in args:
            city = args[name]
            first = city.split()[0]
            bare = {"London Kings Cross": "Kings Cross", "London Liverpool Street": "Liverpool Street"}.get(city)
            args[name] = [city, *([bare] if bare else [] if first == "Kings" else [first])]
            args[name] = list(dict.fromkeys([*args[name], f"{city} station"]))
    if args.get("kind") == "swimming pool":
        args["kind"] = ["swimming pool", "swimmingpool"]
    return args


def _picked(what: str, found: Sequence[Record]) -> list[Condition]:
    if what == "train":
        booked = {"train_id": [t["id"] for t in found], "day": found[0]["day"]}
        return [Condition(tool=ToolMatch(name="book_train", args=booked))]
    names = "get_details" if what == "attraction" else f"get_details|book_{what}"
    return [Condition(tool=ToolMatch(name=names, args={"name": _spelled(found)}))]


def _first_considered(objective: ObjectiveSpec) -> Condition:
    """Return the condition that the first thing was considered before the user switched to the alternative."""
    if not objective.found:
        empty = Condition(tool=ToolMatch(name=_SEARCH[objective.what], args=_search_args(objective.want), result=_NONE))
        return _any([empty, _all([_says(text) for text in patterns.constraints(objective.want)])])
    seen = [*_picked(objective.what, objective.found)] if objective.what != "train" else []
    return _any([*seen, Condition(agent_says=_names(objective.found)), _says(_names(objective.found))])


def _nothing_found(objective: ObjectiveSpec) -> Condition:
    """Return the condition that nothing was found, or that the agent said so after each stated constraint."""
    empty = Condition(tool=ToolMatch(name=_SEARCH[objective.what], args=_search_args(objective.want), result=_NONE))
    refused = Condition(agent_says=patterns.UNAVAILABLE)
    return _any([empty, _all([_in_order([_says(text), refused]) for text in patterns.constraints(objective.want)])])


def _refused(objective: ObjectiveSpec, dated: bool) -> Condition:
    """Return the condition that the agent failed at an objective that can be fulfilled."""
    stated = _says(_certain_words(objective))
    if objective.intent == "book":
        failed = _booked(objective, dated).model_copy(update={"ok": False})
        return _any([Condition(tool=failed), _in_order([stated, Condition(agent_says=patterns.CANNOT)])])
    return _in_order([stated, Condition(agent_says=patterns.UNAVAILABLE)])


def _certain_words(objective: ObjectiveSpec) -> str:
    """Return the pattern of words that a user with this objective is sure to say."""
    for name in ("name", "kind", "cuisine", "destination"):
        if name in objective.want:
            return patterns.constraint(name, objective.want[name])
    generic = {
        "restaurant": r"restaurant|\beat|\btable|dinner|lunch|food|gastropub",
        "hotel": r"hotel|guest ?-?house|room|stay|sleep|accommodation|lodging",
        "attraction": r"attraction|sight|visit|museum|place|somewhere",
        "train": r"train",
    }
    return generic[objective.what]


def _names(found: Sequence[Record]) -> str:
    return "|".join(patterns.name(record["name"]) for record in found)


def _says(text: str) -> Condition:
    return Condition(user_says=text)


def _all(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Condition(all_of=tuple(parts))


def _any(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Condition(any_of=tuple(parts))


def _in_order(parts: Sequence[Condition]) -> Condition:
    return Condition(in_order=tuple(parts))
