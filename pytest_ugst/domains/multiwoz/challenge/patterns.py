"""Regular expressions for the ways in which users and agents put values of the database into words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_ugst.domains.multiwoz.challenge.phrases import NUMBERS
from pytest_ugst.domains.multiwoz.database import Record

UNAVAILABLE: Final = (
    r"fully booked|sold out|no seats|(?:\bno|not|n.t|unable|none|nothing)\b.{0,70}"
    r"(?:match|find|found|availab|exist|have|offer|option|train|go|run)"
)
"""Pattern of an agent that says that there is no such thing."""
CANNOT: Final = (
    r"(?:can.?t|cannot|can not|unable|not able|not possible|couldn.t)\b.{0,40}(?:book|reserve)|fully booked|sold out"
)
"""Pattern of an agent that says that something can't be booked."""
_PRICES: Final = {
    "cheap": r"cheap|inexpensive|budget|affordable|low[- ](?:price|cost)|economical"
    r"|(?:not|nothing|n.t be) (?:\w+ )?(?:expensive|pricey|dear)|low(?:er)? price|save money",
    "moderate": r"moderate|mid[- ]?(?:range|price)|medium|reasonabl|average price",
    "expensive": r"expensive|upscale|fancy|high[- ]end|luxur|posh|pricey|up-?market|top[- ]end",
}
_KINDS: Final = {
    "museum": r"museum|galler",
    "theatre": r"theat(?:re|er)",
    "swimming pool": r"swim|\bpool",
    "boat tour": r"\bboat|punt|river",
    "concert hall": r"concert",
    "sports centre": r"sports?",
    "nightclub": r"night ?-?club|\bclub",
    "cinema": r"cinema|movie|film",
    "guesthouse": r"guest ?-?house|bed (?:and|&) breakfast|b ?(?:&|and) ?b\b",
    "hotel": r"\bhotel",
    "ice rink": r"ice ?-?rink|skat",
}
_CUISINES: Final = {
    "gastropub": r"gastro ?-?pub",
    "seafood": r"sea ?food|\bfish",
    "asian oriental": r"asian|oriental",
    "north american": r"american",
}


def name(record_name: str) -> str:
    """Return the pattern of a place's name, with or without its article and apostrophes."""
    text = re.escape(re.sub(r"^The ", "", record_name)).replace(r"\ ", " ")
    text = re.sub(r"\band\b", "(?:and|&)", re.sub(r"['’]", "['’]?", text))
    text = re.sub(r"\bSaint\b", r"(?:saint|st\\.?)", text)
    return rf"\b{text}" + (r"\b" if record_name[-1].isalnum() else "")


def constraint(slot: str, value: Any) -> str:
    """Return the pattern of a user who states a constraint.

    Args:
        slot: The constraint's field, such as ``area`` or ``leave_after``.
        value: Its value.

    Raises:
        KeyError: If the slot is unknown.
    """
    return _CONSTRAINTS[slot](value)


def constraints(wanted: Mapping[str, Any]) -> list[str]:
    """Return the pattern of each of several constraints."""
    return [constraint(slot, value) for slot, value in wanted.items()]


def station(city: str) -> str:
    """Return the pattern of a station: the word that tells it apart from others."""
    short = {"London Kings Cross": r"king.?s ?cross", "London Liverpool Street": r"liverpool ?st"}
    return short.get(city) or {"Kings Lynn": r"king.?s ?lynn"}.get(city, city.split()[0])


def clock(time: str) -> str:
    """Return the pattern of a time of day on a 12- or 24-hour clock, in digits or words."""
    hour, minute = int(time[:2]), time[3:]
    twelve = hour % 12 or 12
    word, following = NUMBERS[twelve], NUMBERS[twelve % 12 + 1]
    ways = [rf"\b{hour:02}[:.h]?{minute}", rf"\b{hour}[:.]{minute}", rf"\b{twelve}[:.]{minute}"]
    if minute == "00":
        ways += [
            rf"\b{twelve} ?(?:a|p)\.?m",
            rf"\b(?:{twelve}|{word}) o.clock",
            rf"\b{word} (?:in the|(?:a|p)\.?m|sharp)",
        ]
        if hour == 12:
            ways.append(r"\bnoon\b|midday")
    elif minute in ("15", "30", "45"):
        spoken = {"15": "fifteen", "30": "thirty", "45": "forty[- ]five"}[minute]
        ways.append(rf"\b{word}[- ]{spoken}")
        ways.append(
            {"15": rf"quarter past {word}", "30": rf"half past {word}", "45": rf"quarter to {following}"}[minute]
        )
    return "|".join(dict.fromkeys(ways))


def money(text: str) -> str:
    """Return the pattern of an amount such as ``2.50 pounds``, or of ``free``."""
    if text == "free":
        return r"\bfree\b|no (?:entry|entrance|admission) (?:fee|charge)|n.t (?:cost|charge)"
    amount = text.split()[0]
    whole, _, rest = amount.partition(".")
    digits = rf"{whole}(?:\.00)?" if not rest.strip("0") else rf"{whole}\.{rest.rstrip('0')}0?"
    return rf"£ ?{digits}(?![\d.]?\d)|(?<![\d.]){digits} ?(?:pounds?|gbp|£|quid)"


def fact(record: Record, name: str) -> str:
    """Return the pattern of an agent that states a fact of a record.

    Args:
        record: The record.
        name: The fact's field, such as ``phone`` or ``departs``.
    """
    value: Any = record[name]
    if name == "phone":
        return "[ -]?".join(str(value))
    if name == "postcode":
        return re.sub(r"\\? ", " ?", re.escape(value))
    if name == "address":
        return r"\W+".join(map(re.escape, re.findall(r"[\w'’]+", value)[:4]))
    if name == "entry_fee" or (name == "price" and "id" in record):
        return money(value)
    if name == "minutes":
        hours, rest = divmod(value, 60)
        spoken = rf"|\b{hours} ?h(?:our|r)?s?\b,?(?: and)? ?{rest or ''}" if hours else ""
        return rf"\b{value} ?-?min{spoken}"
    if name in ("departs", "arrives"):
        return clock(value)
    if name == "stars" and value == 0:
        return r"\b(?:0|zero|no|unrated)[- ]?(?:stars?|rating)|not (?:\w+ )?rated|unrated|\b0\b"
    if name == "price" and value == "free":
        return r"\bfree\b"
    return constraint(name, value)


def _area(value: Any) -> str:
    return r"cent(?:re|er|ral)|downtown|middle of (?:the )?town" if value == "centre" else str(value)


def _kind(value: Any) -> str:
    return _KINDS.get(str(value), re.escape(str(value)).replace(r"\ ", " "))


def _cuisine(value: Any) -> str:
    return _CUISINES.get(str(value), re.escape(str(value)).replace(r"\ ", " "))


def _stars(value: Any) -> str:
    return rf"\b(?:{value}|{NUMBERS[value]})[- ]?(?:\*|stars?)"


def _people(value: Any) -> str:
    more = {1: r"|single|alone|myself|just me|for me|on my own", 2: r"|couple|both of us|the pair of us|us both"}
    return rf"\b(?:{value}|{NUMBERS[value]}{more.get(value, '')})\b"


def _nights(value: Any) -> str:
    return rf"\b(?:{value}|{NUMBERS[value]}{'|a|single' if value == 1 else ''})[- ]nights?"


_CONSTRAINTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "name": name,
    "area": _area,
    "price": lambda value: _PRICES[str(value)],
    "kind": _kind,
    "cuisine": _cuisine,
    "stars": _stars,
    "parking": lambda value: r"park|\bcar\b|\bdriv",
    "wifi": lambda value: r"wi-?fi|internet|wireless",
    "free_entry": lambda value: (
        r"\bfree\b|no (?:entry|entrance|admission|fee|charge)|without paying"
        r"|n.t (?:\w+ ){0,3}(?:pay|cost)|not (?:\w+ ){0,3}(?:pay|cost)"
    ),
    "origin": station,
    "destination": station,
    "day": str,
    "time": clock,
    "leave_after": clock,
    "arrive_by": clock,
    "people": _people,
    "nights": _nights,
}
"""By slot, the pattern of a user who states a value of it."""
