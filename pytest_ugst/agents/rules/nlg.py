"""Natural language generation of the rule-based agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.domains.concierge.clock import DAYS

Record = Mapping[str, Any]
"""A record of a place, a train or a booking, as a tool returned it."""

HELP = "I can find and book restaurants, hotels, attractions and trains for you, and change or cancel bookings."
ANYTHING_ELSE = ("Is there anything else I can do for you?", "Can I help you with anything else?")
CLOSING = (
    "You're welcome. Enjoy your time in Quillhaven!",
    "My pleasure. Have a lovely time in Quillhaven!",
)
FEATURES = {"parking": "parking", "wifi": "wifi", "breakfast": "breakfast", "outdoor_seating": "outdoor seating"}
_SPOKEN = {
    "outdoor_seating": "outdoor seating",
    "free_entry": "entry fee",
    "leave_after": "departure time",
    "arrive_by": "arrival time",
}
_QUESTIONS = {
    "day": "on what day",
    "time": "at what time",
    "nights": "for how many nights",
    "people": "for how many people",
}
_OTHER_VALUES = {
    "time": "What other time would suit you?",
    "people": "For how many people shall I book?",
    "nights": "How many nights would you like?",
    "day": "What other day would suit you?",
}
_PLAIN = frozenset(("seafood", "vegetarian", "vegan", "halal", "kosher", "barbecue", "fusion", "steakhouse"))
_PRICED = {"cheap": "cheap", "moderate": "moderately priced", "expensive": "expensive"}
_NOUNS = {"restaurant": "restaurant", "hotel": "hotel or guesthouse", "attraction": "attraction", "train": "train"}


def join(parts: Sequence[str], word: str = "and") -> str:
    """Return words as a list in a sentence: ``a, b and c``."""
    return ", ".join(parts[:-1]) + f" {word} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def day(name: str) -> str:
    """Return the name of a weekday as it is written."""
    return name.capitalize()


def people(count: int) -> str:
    """Return a number of people in words."""
    return f"{count} {'person' if count == 1 else 'people'}"


def nights(count: int) -> str:
    """Return a number of nights in words."""
    return f"{count} night{'' if count == 1 else 's'}"


def cuisine(name: str) -> str:
    """Return a cuisine as it is written: Italian, but seafood."""
    return name if name in _PLAIN else name.capitalize()


def _a(words: str) -> str:
    return ("an " if words[:1] in "aeiou" else "a ") + words


def place(area: str) -> str:
    """Return a part of town in words."""
    return f"in the {area}" if area != "centre" else "in the centre"


def describe(kind: str, record: Record) -> str:
    """Describe a search result in a few words."""
    if kind == "train":
        return (
            f"train {record['id']} from {record['origin']} to {record['destination']} on {day(record['day'])}, "
            f"leaving at {record['departs']} and arriving at {record['arrives']} "
            f"({record['minutes']} minutes, {record['price']} crowns a person)"
        )
    if kind == "attraction":
        fee = "free entry" if record["entry_fee"] == "free" else f"an entry fee of {record['entry_fee']}"
        return f"{_a(record['kind'])} {place(record['area'])} with {fee}"
    features = [words for slot, words in FEATURES.items() if record.get(slot)]
    extra = f" with {join(features)}" if features else ""
    if kind == "hotel":
        what = f"{_PRICED[record['price']]} {record['stars']}-star {record['kind']}"
    else:
        what = f"{_PRICED[record['price']]} {cuisine(record['cuisine'])} restaurant"
    return f"{_a(what)} {place(record['area'])}{extra}"


def wanted(kind: str, constraints: Mapping[str, Any]) -> str:
    """Describe what was searched for, without an article: "cheap Korean restaurant in the north"."""
    if kind == "train":
        words = "train"
        for slot, lead in (("origin", "from"), ("destination", "to"), ("day", "on")):
            if slot in constraints:
                words += f" {lead} {day(constraints[slot]) if slot == 'day' else constraints[slot]}"
        if "leave_after" in constraints:
            words += f" leaving after {constraints['leave_after']}"
        if "arrive_by" in constraints:
            words += f" arriving by {constraints['arrive_by']}"
        return words
    front = [_PRICED[constraints["price"]]] if "price" in constraints else []
    if constraints.get("free_entry"):
        front.append("free")
    if "stars" in constraints:
        front.append(f"{constraints['stars']}-star")
    if "cuisine" in constraints:
        front.append(cuisine(constraints["cuisine"]))
    noun = constraints.get("kind", _NOUNS[kind])
    behind = [place(constraints["area"])] if "area" in constraints else []
    features = [words for slot, words in FEATURES.items() if constraints.get(slot)]
    if features:
        behind.append(f"with {join(features)}")
    return " ".join((*front, noun, *behind))


def noun(kind: str, constraints: Mapping[str, Any]) -> str:
    """Return the noun for what is searched for, and nothing else."""
    return str(constraints.get("kind", _NOUNS[kind]))


def constraint_question(kind: str, constraints: Mapping[str, Any]) -> str:
    """Ask for constraints to search by, beside those that are known."""
    if kind == "train":
        if not {"origin", "destination"} & set(constraints):
            return "Certainly. Where from and where to would you like to travel, and on what day?"
        return "On what day would you like to travel?"
    if kind == "restaurant":
        return "I'd be glad to find you a restaurant. Do you have a cuisine, an area or a price range in mind?"
    if kind == "hotel":
        return f"I'd be glad to find you a {noun(kind, constraints)}. Do you have an area or a price range in mind?"
    return "I'd be glad to find you an attraction. What kind of place, and in what area, would you like?"


def loosen(slot: str) -> str:
    """Ask whether to give up a constraint."""
    spoken = _SPOKEN.get(slot, slot)
    return f"Shall I look again without regard to the {spoken}, or would you like to change something else?"


def question(slots: Sequence[str], kind: str) -> str:
    """Ask for what a booking still needs."""
    words = _details(slots, kind)
    return f"{words[0].upper()}{words[1:]} shall I book it?"


def proposal(slots: Sequence[str], kind: str) -> str:
    """Offer to book, and ask for what a booking still needs."""
    return f"Shall I book it? If so, {_details(slots, kind)}?" if slots else "Shall I book it for you?"


def _details(slots: Sequence[str], kind: str) -> str:
    words = join([_QUESTIONS[slot] for slot in slots])
    return words.replace("on what day", "from what day") if kind == "hotel" else words


def fact(kind: str, record: Record, what: str) -> str | None:
    """Return one fact about a place or train as a sentence; None where its record does not hold it."""
    name = record["id"] if kind == "train" else record["name"]
    if what in FEATURES:
        if what not in record:
            return None
        return f"{name} has {'' if record[what] else 'no '}{FEATURES[what]}."
    if what == "hours" and "opens" in record:
        return f"{name} is open from {record['opens']} to {record['closes']}."
    if what == "free_days" and "full" in record:
        full = [day(d) for d in record["full"]]
        return f"{name} is fully booked on {join(full)}." if full else f"{name} has free places every day."
    if what == "price" and kind == "attraction":
        what = "entry_fee"
    if what not in record:
        return None
    value = record[what]
    sentences = {
        "phone": f"The phone number of {name} is {value}.",
        "address": f"The address of {name} is {value}.",
        "postcode": f"The postcode of {name} is {value}.",
        "area": f"{name} is in the {value} of town.",
        "cuisine": f"{name} serves {cuisine(str(value))} food.",
        "price": f"The price of {name} is {value} crowns a person." if kind == "train" else f"{name} is {value}.",
        "entry_fee": f"Entry to {name} is free." if value == "free" else f"The entry fee of {name} is {value}.",
        "stars": f"{name} has {value} star{'' if value == 1 else 's'}.",
        "kind": f"{name} is {_a(str(value))}.",
        "departs": f"{name} departs at {value}.",
        "arrives": f"{name} arrives at {value}.",
        "minutes": f"The journey on {name} takes {value} minutes.",
        "id": f"It is train {value}.",
        "seats_left": f"{name} has {value} seats left." if value else f"{name} is fully booked.",
    }
    if kind == "hotel" and what == "price":
        return f"The price range of {name} is {value}."
    if kind == "restaurant" and what == "price":
        return f"The price range of {name} is {value}."
    return sentences.get(what)


def booking(made: Record) -> str:
    """Describe a booking in a few words."""
    if made["kind"] == "train":
        return (
            f"train {made['train_id']} from {made['origin']} to {made['destination']} on {day(made['day'])}, "
            f"leaving at {made['departs']} and arriving at {made['arrives']}, for {people(made['people'])} "
            f"({made['total']} crowns in total)"
        )
    words = f"{made['name']}"
    if made["kind"] == "hotel":
        return f"{words} from {day(made['day'])} for {nights(made['nights'])} and {people(made['people'])}"
    words += f" on {day(made['day'])}"
    if "time" in made:
        words += f" at {made['time']}"
    return f"{words} for {people(made['people'])}"


def is_booked(made: Record) -> str:
    """Confirm a new booking."""
    words = booking(made)
    return f"Done, it is booked: {words}. Your reference is {made['reference']}."


def refusal(why: str, slot: str, name: str, on: str) -> str:
    """Put into words why a booking can't be made or changed, and ask for another value.

    Args:
        why: The error result of the tool.
        slot: The slot it is about.
        name: The place.
        on: The day for which the booking was tried.
    """
    if "fully booked on" in why:
        free = [day(d) for d in DAYS if d in why.partition("free days:")[2]]
        if not free:
            return f"I'm sorry, {name} is fully booked on {day(on)} and has no free days this week."
        words = f"I'm sorry, {name} is fully booked on {day(on)}. It has free places on {join(free)}."
        return f"{words} Would another day suit you?"
    return f"I'm sorry, {why[0].lower() + why[1:] if why.startswith('The') else why} {_OTHER_VALUES[slot]}"
