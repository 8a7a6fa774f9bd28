"""Checks for objectives, requirements and preferences: what the database and the tool calls can decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pytest_ugst.core.check import Check, Condition, ToolMatch
from pytest_ugst.domains.multiwoz.challenge import patterns as say
from pytest_ugst.domains.multiwoz.challenge.objectives import Quest, Slots
from pytest_ugst.domains.multiwoz.town import Record

_SEARCH: Final = {
    "restaurant": "search_restaurants",
    "hotel": "search_hotels",
    "attraction": "search_attractions",
    "train": "search_trains",
}
_NONE = r'"count": 0\b'


def of_objective(quest: Quest) -> Check:
    """When an objective is complete, or was tried in vain.

    A find is complete when the agent named a place the goal allows and told what was asked of it; a booking when it was
    made. An objective that is impossible can only be attempted: the agent searched for it as wanted and found nothing,
    or said so after the user had told everything.
    """
    if quest.kind == "impossible":
        return Check(attempted=_in_vain(quest))
    aim = quest.aim
    done = _any([_told(aim, record) for record in aim.found])
    if aim.intent == "book":
        done = _all([Condition(tool=_booked(aim, dated="full" in quest.condition)), *([done] if aim.ask else [])])
    if quest.taken and not quest.condition.get("full"):
        done = _all([_seen(quest), done])
    return Check(complete=done, attempted=_given_up(aim, dated="full" in quest.condition))


def of_requirement(quest: Quest, wanted: Slots) -> Check:
    """When a requirement came into play: in a search, in the choice of a place, or in a booking."""
    part = quest if quest.kind == "impossible" or not quest.condition.get("full") else quest.aim
    terms = {name: value for name, value in wanted.items() if name in part.terms}
    refused = _all([_in_order([_says(text), Condition(agent_says=say.UNAVAILABLE)]) for text in say.all_said(wanted)])
    if terms:
        dated = {"day": part.terms["day"]} if quest.condition.get("full") else {}
        match = ToolMatch(name=f"book_{part.what}", args=_booking_args(part, {**terms, **dated}))
        attempted = _any([Condition(tool=match.model_copy(update={"ok": False})), refused])
        if quest.kind == "impossible":  # There is nothing to book: telling the terms is all that can be done.
            return Check(attempted=attempted)
        return Check(complete=Condition(tool=match), attempted=attempted)
    searched = ToolMatch(name=_SEARCH[quest.what], args=_search_args(wanted))
    attempted = _any([Condition(tool=searched.model_copy(update={"result": _NONE})), refused])
    if quest.kind == "impossible":
        return Check(attempted=attempted)
    if not quest.found:  # Nothing there is like that, and the user turns to something else.
        return Check(complete=Condition(tool=searched), attempted=attempted)
    chosen = [Condition(tool=searched), *_picked(quest.what, quest.found)]
    if quest.what != "train":
        told = _all([_says(text) for text in say.all_said(wanted)])
        chosen.append(_in_order([told, Condition(agent_says=_names(quest.found))]))
    return Check(complete=_any(chosen), attempted=attempted)


def of_preference(wanted: Slots) -> Check:
    """A preference is aligned once the user has told it."""
    return Check(aligned=_all([_says(text) for text in say.all_said(wanted)]))


def _told(aim: Quest, record: Record) -> Condition:
    """The agent told the facts that were asked for, of this record."""
    facts = [Condition(agent_says=say.fact(record, fact)) for fact in aim.ask]
    if aim.what == "train":
        leaves = Condition(agent_says=rf"{record['id']}\b|{say.clock(record['departs'])}")
        return _all([leaves, *facts])
    return _all([Condition(agent_says=say.name(record["name"])), *facts])


def _booked(aim: Quest, dated: bool) -> ToolMatch:
    """The booking; on its day where the objective itself says which."""
    return ToolMatch(name=f"book_{aim.what}", args=_booking_args(aim, {"day": aim.terms["day"]} if dated else {}))


def _booking_args(part: Quest, terms: Slots) -> dict[str, Any]:
    args: dict[str, Any] = dict(terms)
    if part.what == "train":
        return {"train_id": [t["id"] for t in part.found], "day": part.want["day"], **args} if part.found else args
    return {"name": _spelled(part.found), **args} if part.found else args


def _spelled(found: Iterable[Record]) -> list[Any]:
    """Names as an agent may spell them in a call."""
    names: list[Any] = []
    for record in found:
        bare = str(record["name"]).removeprefix("The ")
        names += [bare, f"The {bare}"]
        names += [bare.replace("'", ""), f"The {bare.replace(chr(39), '')}"] if "'" in bare else []
    return names


def _search_args(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Constraints as the arguments of a search; a station may be given by the word that tells it from others."""
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


def _seen(quest: Quest) -> Condition:
    """The first thing was looked at before the user turned to the other one."""
    if not quest.found:
        vain = Condition(tool=ToolMatch(name=_SEARCH[quest.what], args=_search_args(quest.want), result=_NONE))
        return _any([vain, _all([_says(text) for text in say.all_said(quest.want)])])
    seen = [*_picked(quest.what, quest.found)] if quest.what != "train" else []
    return _any([*seen, Condition(agent_says=_names(quest.found)), _says(_names(quest.found))])


def _in_vain(quest: Quest) -> Condition:
    """Nothing was found, or the agent said so after the user had told each constraint."""
    vain = Condition(tool=ToolMatch(name=_SEARCH[quest.what], args=_search_args(quest.want), result=_NONE))
    refused = Condition(agent_says=say.UNAVAILABLE)
    return _any([vain, _all([_in_order([_says(text), refused]) for text in say.all_said(quest.want)])])


def _given_up(aim: Quest, dated: bool) -> Condition:
    """The agent could not do what can be done."""
    told = _says(_first_words(aim))
    if aim.intent == "book":
        failed = _booked(aim, dated).model_copy(update={"ok": False})
        return _any([Condition(tool=failed), _in_order([told, Condition(agent_says=say.CANNOT)])])
    return _in_order([told, Condition(agent_says=say.UNAVAILABLE)])


def _first_words(aim: Quest) -> str:
    """What a user surely mentions."""
    for name in ("name", "kind", "cuisine", "destination"):
        if name in aim.want:
            return say.said(name, aim.want[name])
    generic = {
        "restaurant": r"restaurant|\beat|\btable|dinner|lunch|food|gastropub",
        "hotel": r"hotel|guest ?-?house|room|stay|sleep|accommodation|lodging",
        "attraction": r"attraction|sight|visit|museum|place|somewhere",
        "train": r"train",
    }
    return generic[aim.what]


def _names(found: Sequence[Record]) -> str:
    return "|".join(say.name(record["name"]) for record in found)


def _says(text: str) -> Condition:
    return Condition(user_says=text)


def _all(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Condition(all_of=tuple(parts))


def _any(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Condition(any_of=tuple(parts))


def _in_order(parts: Sequence[Condition]) -> Condition:
    return Condition(in_order=tuple(parts))
