"""Phrases for values of the database: nouns, adjectives, amounts, facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

NUMBERS: Final = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()  # noqa: SIM905
)
_NOUNS: Final = {"restaurant": "restaurant", "hotel": "place to stay", "attraction": "attraction", "train": "train"}
_FACTS: Final = {
    "phone": "phone number",
    "entry_fee": "entrance fee",
    "price": "price range",
    "stars": "star rating",
    "departs": "departure time",
    "arrives": "arrival time",
    "minutes": "travel time",
}


def a(noun: str) -> str:
    """Return a noun with its article: ``an Indian restaurant``, but ``a European restaurant``."""
    vowel = noun[0].lower() in "aeiou" and not noun.lower().startswith(("eu", "uni"))
    return f"{'an' if vowel else 'a'} {noun}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def number(count: int) -> str:
    """Return a number as a word up to fifteen, else in digits."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def cuisine(name: str) -> str:
    """Return a cuisine with its capital letters: ``modern European``, ``Asian oriental``, but ``seafood``."""
    plain = {"seafood", "international", "gastropub", "modern", "oriental"}
    return " ".join(word if word in plain else word.capitalize() for word in name.split())


def food(name: str) -> str:
    """Return a cuisine's food: ``Indian food``, but ``seafood``."""
    return name if name.endswith("food") else f"{cuisine(name)} food"


def restaurant(name: str | None) -> str:
    """Return the noun of a restaurant with its cuisine, if there is one."""
    if name is None:
        return "restaurant"
    return "gastropub" if name == "gastropub" else f"{cuisine(name)} restaurant"


def noun(what: str, slots: Mapping[str, Any]) -> str:
    """Return the noun of a record, from the slots that make one: kind, or cuisine."""
    if what == "restaurant":
        return restaurant(slots.get("cuisine"))
    return str(slots.get("kind") or _NOUNS[what])


def fact(what: str, name: str) -> str:
    """Return the name of a fact: ``entrance fee`` for ``entry_fee``."""
    return "ticket price" if (what, name) == ("train", "price") else _FACTS.get(name, name)


def facts(what: str, names: Sequence[str], article: str = "its") -> str:
    """Return the names of facts in a sentence: ``its address and phone number``."""
    return f"{article} {listed([fact(what, name) for name in names])}"


def called(name: str) -> str:
    """Return a place's name as it stands inside a sentence: ``the Oak Bistro``."""
    return f"the {name.removeprefix('The ')}" if name.startswith("The ") else name


def where(area: str) -> str:
    """Return an area as a phrase: ``in the west``."""
    return f"in the {area}"


def described(what: str, slots: Mapping[str, Any]) -> str:
    """Return one noun phrase for all slots: ``a cheap guesthouse with free parking in the east``."""
    if slots.get("name"):
        return called(str(slots["name"]))
    if what == "train":
        return "a train" + ridden(slots)
    front = [{"moderate": "moderately priced"}.get(slots["price"], slots["price"])] if "price" in slots else []
    front += [f"{number(slots['stars'])}-star"] if "stars" in slots else []
    text = a(" ".join([*front, noun(what, slots)]))
    extras = [words for name, words in (("parking", "free parking"), ("wifi", "free wifi")) if slots.get(name)]
    text += f" with {listed(extras)}" if extras else ""
    text += " with free entry" if slots.get("free_entry") else ""
    return text + (f" {where(slots['area'])}" if "area" in slots else "")


def ridden(slots: Mapping[str, Any]) -> str:
    """Return a train's slots as a phrase: `` from Ely to Cambridge on Monday that leaves at 09:15 or later``."""
    text = f" from {slots['origin']}" if "origin" in slots else ""
    text += f" to {slots['destination']}" if "destination" in slots else ""
    text += f" on {slots['day'].capitalize()}" if "day" in slots else ""
    after, by = slots.get("leave_after"), slots.get("arrive_by")
    limits = [f"leaves at {after} or later"] if after else []
    limits += [f"arrives by {by}"] if by else []
    return text + (f" that {' and '.join(limits)}" if limits else "")


def condition(what: str, slots: Mapping[str, Any]) -> str:
    """Return a condition as a clause without its ``if``: ``it is in the east``."""
    if slots.get("none"):
        return "there is no such train" if what == "train" else "there is no such place"
    name, value = slots["fact"], slots.get("is")
    if name == "entry_fee":
        return (
            "you would have to pay to get in" if slots["above"] == 0 else f"it costs more than {slots['above']} pounds"
        )
    if name == "stars":
        return f"it has fewer than {number(slots['below'])} stars"
    if name == "parking":
        return "it has no parking"
    if name == "area":
        return f"it is {where(str(value))}"
    return {"moderate": "it is moderately priced"}.get(str(value), f"it is {value}")
