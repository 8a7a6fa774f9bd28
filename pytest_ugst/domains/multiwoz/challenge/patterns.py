"""Regular expressions for how users and agents say what the database holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_ugst.domains.multiwoz.challenge.phrases import NUMBERS
from pytest_ugst.domains.multiwoz.town import Record

UNAVAILABLE: Final = (
    r"fully booked|sold out|no seats|(?:\bno|not|n.t|unable|none|nothing)\b.{0,70}"
    r"(?:match|find|found|availab|exist|have|offer|option|train|go|run)"
)
"""The agent says that there is no such thing."""
CANNOT: Final = (
    r"(?:can.?t|cannot|can not|unable|not able|not possible|couldn.t)\b.{0,40}(?:book|reserve)|fully booked|sold out"
)
"""The agent says that it can't be booked."""
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
    """A place's name, with or without its article and apostrophes."""
    text = re.escape(re.sub(r"^The ", "", record_name)).replace(r"\ ", " ")
    text = re.sub(r"\band\b", "(?:and|&)", re.sub(r"['’]", "['’]?", text))
    text = re.sub(r"\bSaint\b", r"(?:saint|st\\.?)", text)
    return rf"\b{text}" + (r"\b" if record_name[-1].isalnum() else "")


def said(slot: str, value: Any) -> str:
    """How a user tells a constraint."""
    if slot == "area":
        return r"cent(?:re|er|ral)|downtown|middle of (?:the )?town" if value == "centre" else str(value)
    if slot == "price":
        return _PRICES[str(value)]
    if slot == "kind":
        return _KINDS.get(str(value), re.escape(str(value)).replace(r"\ ", " "))
    if slot == "cuisine":
        return _CUISINES.get(str(value), re.escape(str(value)).replace(r"\ ", " "))
    if slot == "stars":
        return rf"\b(?:{value}|{NUMBERS[value]})[- ]?(?:\*|stars?)"
    if slot in ("origin", "destination"):
        return station(str(value))
    if slot == "day":
        return str(value)
    if slot in ("time", "leave_after", "arrive_by"):
        return clock(str(value))
    if slot == "people":
        more = {1: r"|single|alone|myself|just me|for me|on my own", 2: r"|couple|both of us|the pair of us|us both"}
        return rf"\b(?:{value}|{NUMBERS[value]}{more.get(value, '')})\b"
    if slot == "nights":
        return rf"\b(?:{value}|{NUMBERS[value]}{'|a|single' if value == 1 else ''})[- ]nights?"
    if slot == "name":
        return name(value)
    return {
        "parking": r"park|\bcar\b|\bdriv",
        "wifi": r"wi-?fi|internet|wireless",
        "free_entry": r"\bfree\b|no (?:entry|entrance|admission|fee|charge)|without paying"
        r"|n.t (?:\w+ ){0,3}(?:pay|cost)|not (?:\w+ ){0,3}(?:pay|cost)",
    }[slot]


def station(city: str) -> str:
    """A station, by the word that tells it from others."""
    short = {"London Kings Cross": r"king.?s ?cross", "London Liverpool Street": r"liverpool ?st"}
    return short.get(city) or {"Kings Lynn": r"king.?s ?lynn"}.get(city, city.split()[0])


def clock(time: str) -> str:
    """A time of day by either clock, in digits or words."""
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
    """An amount such as ``2.50 pounds``; or free."""
    if text == "free":
        return r"\bfree\b|no (?:entry|entrance|admission) (?:fee|charge)|n.t (?:cost|charge)"
    amount = text.split()[0]
    whole, _, rest = amount.partition(".")
    digits = rf"{whole}(?:\.00)?" if not rest.strip("0") else rf"{whole}\.{rest.rstrip('0')}0?"
    return rf"£ ?{digits}(?![\d.]?\d)|(?<![\d.]){digits} ?(?:pounds?|gbp|£|quid)"


def fact(record: Record, asked: str) -> str:
    """How an agent tells a fact of a record."""
    value: Any = record[asked]
    if asked == "phone":
        return "[ -]?".join(str(value))
    if asked == "postcode":
        return re.sub(r"\\? ", " ?", re.escape(value))
    if asked == "address":
        return r"\W+".join(map(re.escape, re.findall(r"[\w'’]+", value)[:4]))
    if asked == "entry_fee" or (asked == "price" and "id" in record):
        return money(value)
    if asked == "minutes":
        hours, rest = divmod(value, 60)
        spoken = rf"|\b{hours} ?h(?:our|r)?s?\b,?(?: and)? ?{rest or ''}" if hours else ""
        return rf"\b{value} ?-?min{spoken}"
    if asked in ("departs", "arrives"):
        return clock(value)
    if asked == "stars" and value == 0:
        return r"\b(?:0|zero|no|unrated)[- ]?(?:stars?|rating)|not (?:\w+ )?rated|unrated|\b0\b"
    if asked == "price" and value == "free":
        return r"\bfree\b"
    return said(asked, value)


def all_said(wanted: Mapping[str, Any]) -> list[str]:
    """How a user tells each of several constraints."""
    return [said(slot, value) for slot, value in wanted.items()]
