"""Slot values in English text: areas, prices, days, times, numbers, cities. Rules only, no model.

Everything here reads text in lower case in which names, references and train ids are masked already (see
:mod:`pytest_ugst.agents.rules.nlu`), and is built to survive any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_ugst.agents.rules.lexicon import (
    AREAS,
    CITIES,
    CUISINES,
    DISHES,
    FEATURES,
    HOUSES,
    NUMBER,
    NUMBERS,
    PRICES,
    SIGHTS,
    SLOT_WORDS,
)
from pytest_ugst.domains.concierge.clock import DAYS, TODAY


@dataclass(slots=True)
class SlotValues:
    """The slot values found in a segment of text."""

    values: dict[str, Any] = field(default_factory=dict)
    """Values by the name of the slot."""
    dropped: set[str] = field(default_factory=set)
    """Slots that don't matter (any more)."""
    excluded: set[tuple[str, Any]] = field(default_factory=set)
    """Slots with values that are not wanted."""
    increments: dict[str, int] = field(default_factory=dict)
    """Numbers to add to what was booked."""


def number(text: str) -> int:
    """Return the number that a match of ``NUMBER`` stands for."""
    return int(text) if text.isdecimal() else NUMBERS[text]


_NOT = re.compile(
    r"(?:\bnot(?: too| so| in| an?| the| on| at| for| really)*|\bexcept(?: for)?|\binstead of(?: an?| the| in)*"
    r"|\brather than(?: an?| the| in)*|\banything but|\bno longer(?: in| an?| on)*"
    r"|n't (?:want|like|need)(?: an?| the| it)*"
    r"|\bother than|\bavoid|\bneither|\bnor)[ -]*$"
)


_COMPLAINT = re.compile(r"\b(?:too|a bit|a little|quite|so|very|that's|that is)\s+$")
"""Words before a price word that make it no constraint: "that's a bit pricey"."""


def _is_excluded(text: str, start: int) -> bool:
    return _NOT.search(text[max(0, start - 40) : start]) is not None


def _compiled(table: dict[str, str]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(rf"\b(?:{pattern})\b"), value) for pattern, value in table.items()]


_AREA = re.compile(rf"\b({'|'.join(AREAS)})\b(?! (?:station|time))")
_PRICE = _compiled(PRICES)
_CUISINE = re.compile(rf"\b({'|'.join((*CUISINES, *DISHES))})\b")
_OTHER_CUISINE = re.compile(r"\b([a-z]{3,15}(?:ese|ian|ean))\s+(?:restaurants?|food|cuisine|place)\b")
_SIGHT = _compiled(SIGHTS)
_HOUSE = _compiled(HOUSES)
_LIKES = re.compile(
    r"\b(?:love|loves|enjoy|adore|fan of|work(?:s|ed|ing)? (?:at|in|for)|owner of"
    r"|run|manage|study|studying|passion for"
    r"|passionate about|hate)(?: an?| the| my| own| local| old| small| visiting)*\s*$"
)
_WORK = re.compile(
    r"[- ]*(?:industry |science )?(?:critic|blogger|owner|manager|curator|enthusiast|lover|fan|photographer|reviewer"
    r"|driver|conductor|chef|worker|inspector|guide|writer|keeper|buff|teacher|student|professor|engineer|designer"
    r"|translator|historian|artist|nurse|doctor|lawyer|actor|journalist|scientist|researcher|consultant)\b"
)
_BESIDE = re.compile(
    r"(?:with|has|have|having|near|by|beside|close to|next to|own)(?: an?| the| its| own| nice| private)*\s*$"
)

_DAY_WORDS = "|".join((*DAYS, "mon", "tues?", "thur?s?", "fri"))
_DAY = re.compile(rf"\b({_DAY_WORDS})s?\b|\b(day after tomorrow|tomorrow|today|tonight|this evening)\b")
_CLOCK = re.compile(
    r"\b(?P<h>[01]?\d|2[0-3])(?:[:.](?P<m>[0-5]\d)(?!\d)\s*(?P<ap>[ap]\.?m\b\.?)?"
    r"|\s*(?P<ap2>[ap]\.?m\b\.?)|\s?h\b(?P<hm>[0-5]\d)?)"
    r"|\b(?P<word>noon|midday|midnight)\b"
    rf"|\b(?P<half>half past|quarter past|quarter to)\s+(?P<hh>{NUMBER})\b(?:\s*(?P<ap3>[ap]\.?m\b))?"
    rf"|\b(?:at|by|around|after|before|until|about)\s+(?P<bare>{NUMBER})\b(?![:.]\d"
    r"|\s*[ap]\.?m\b)(?:\s*(?:o'clock))?(?!\s*(?:people|guests?|nights?|stars?|persons?|more|extra"
    r"|of us|days|crowns|adults|%))\b"
    rf"|\b(?P<oclock>{NUMBER})\s*o'clock\b|\b(?P<named>{'|'.join(list(NUMBERS)[1:13])})\s*(?P<ap4>[ap]\.?m\b)"
)
_PERSONS = r"(?:people|persons?|guests?|adults?|diners?|travell?ers?|passengers?|tickets?|seats?|pax|visitors?|friends)"
_PEOPLE = re.compile(
    rf"\b(?P<a>{NUMBER})\s+(?:more\s+|extra\s+)?{_PERSONS}\b|\b(?P<b>{NUMBER}) of us\b"
    rf"|\b(?:party|group|family) of (?P<c>{NUMBER})\b|\btable for (?P<d>{NUMBER})\b(?!\s*(?:[ap]\.?m"
    r"|o'clock))(?![:.]\d)"
    rf"|\bfor (?P<e>{NUMBER})\b(?![:.]\d)(?!\s*-?\s*(?:nights?|days?|[ap]\.?m\b|o'clock"
    r"|crowns|stars?|weeks?|hours?|minutes?|h\b|%))"
    rf"|\b(?:make it|we are|we're|there are|there'll be|there will be) (?P<f>{NUMBER})\b(?![:.]\d)(?!\s*-?\s*(?:nights?"
    r"|stars?|[ap]\.?m\b|o'clock))"
    r"|\b(?P<one>just me|only me|just myself|only myself|by myself|on my own|travelling alone"
    r"|traveling alone|solo|alone|for myself|myself only|only for me|just for me)\b"
    r"|\b(?P<two>(?:me and )?my (?:wife|husband|partner|girlfriend|boyfriend) and (?:i"
    r"|me|myself)\b|me and my (?:wife|husband|partner|girlfriend|boyfriend)\b(?! and))"
)
_NIGHTS = re.compile(
    rf"\b(?P<n>{NUMBER})[ -]+(?:more |extra )?nights?\b|\b(?P<one>a (?:single )?night"
    r"|overnight)\b|\b(?P<week>(?:a|one|whole) week)\b"
)
_STARS = re.compile(
    rf"\b(?P<a>{NUMBER})[ -]*stars?\b|\bstars?(?: rating)?(?: of| is|:)? (?P<b>[1-5])\b|\brated (?P<c>[1-5])\b"
)
_MORE = re.compile(
    rf"\b(?P<n>{NUMBER}|an?|another) (?:more |extra |additional )?(?P<what>{_PERSONS}"
    r"|nights?)(?P<tail> more| extra)?\b"
)

_FEATURES = {slot: re.compile(rf"\b(?:{pattern})\b") for slot, pattern in FEATURES.items()}
_NO_NEED = re.compile(
    r"(?:don't (?:really |actually )?(?:need|want|care about|mind about)|do not (?:need"
    r"|want|care about)|no need for|needn't have|won't need|no longer need"
    r"|never ?mind|forget(?: about)?|not (?:need|important|necessary|essential)"
    r"|without(?: the)?|\bno|skip|drop|doesn't (?:need|have) to have|give up(?: on)?)(?: the"
    r"| any| about| to have| an?)*\s*$"
)
_FREE = re.compile(
    r"(?<!feel )(?<!be )\bfree\b(?! (?:wi-?fi|internet|parking|breakfast|days?|time"
    r"|to (?:ask|contact|tell|let|suggest|choose)|tables?|rooms?|seats?|on|afternoon"
    r"|morning|evening))"
    r"|\b(?:no|without(?: an)?) (?:entry|entrance|admission) (?:fee|charge|cost)s?\b"
    r"|\b(?:doesn't|does not) (?:cost|charge)\b"
)
_DROP = (
    r"(?:any|whatever|whichever|either)(?: of the)? {0}|{0}s? (?:range )?(?:really )?(?:doesn't"
    r"|does not|don't|do not|isn't|is not|no longer|are not|aren't) (?:really )?(?:matter"
    r"|important|care|an issue|a concern|relevant)"
    r"|(?:don't|do not) (?:really )?(?:care|mind|worry)(?: about| on)?(?: the| which"
    r"| what| how many)? {0}|no (?:specific |particular |strong )?(?:preference"
    r"|preferences) (?:on|for|about|in|regarding)(?: the)? {0}"
    r"|(?:never ?mind|forget|drop|ignore|skip|flexible (?:on|about|with)|relax|give up(?: on)?"
    r"|without|leave out|not fussy about|open (?:on|to any))(?: about)?(?: the| any)? {0}"
    r"|{0} (?:is |can be |could be )?(?:flexible|anything|any\b|whatever|irrelevant)"
    r"|no {0} preference|anywhere(?= .{{0,30}}{0})"
)
_DROPS = {slot: re.compile(_DROP.format(words)) for slot, words in SLOT_WORDS.items()}
_ANYWHERE = re.compile(r"\banywhere\b|\bany area\b|\ball over town\b")
_CITY = re.compile(
    r"\b(?P<prep>from|to|into|reach|for|leaving|departing|towards?|in|at|visit)\s+(?P<city>[A-Z][A-Za-z']+"
    r"(?: [A-Z][a-z]+)*)"
)
_TOWNS = "|".join(city.lower() for city in CITIES)
_CITY_LOW = re.compile(
    rf"\b(?:(?P<prep>from|leaving|departing|out of|to|into|reach|towards?|bound for)\s+)?(?P<city>{_TOWNS})\b"
)
_NATIVE = re.compile(
    r"\b(?:i'm|i am|we're|we are|come|coming|visiting|originally|here|an? (?!train"
    r"|ticket|seat|ride|journey)(?:\w+ ){1,3})\s*$"
)
_UNKNOWN_CITY_SLOTS = {
    **dict.fromkeys(("from", "leaving", "departing"), "unknown_origin"),
    **dict.fromkeys(("to", "into", "reach", "towards", "toward", "visit"), "unknown_destination"),
}
"""Slots of unknown cities by the preposition before them; other prepositions ("in", "at", "for") tell neither."""
_BETWEEN = re.compile(rf"\b({_TOWNS})\s*(?:to|->|-)\s*(?:{_TOWNS})\b")
_HERE = re.compile(r"\b(?P<prep>from|to|back)\s+(?:here|(?:this|your) town)\b")


def read_slots(text: str, original: str) -> SlotValues:
    """Read every slot value in a segment; the caller takes what fits the kind the segment is about.

    Args:
        text: A segment of an utterance, in lower case and masked.
        original: The same segment with its capitals.
    """
    found = SlotValues()
    _read_areas(text, found)
    _read_prices(text, found)
    _read_kinds(text, found)
    _read_days(text, found)
    _read_times(text, found)
    _read_counts(text, found)
    _read_features(text, found)
    _read_cities(text, found)
    _read_unknown_cities(original, found)
    _read_dropped(text, found)
    return found


def _read_areas(text: str, found: SlotValues) -> None:
    for match in _AREA.finditer(text):
        _put(found, "area", AREAS[match[1]], text, match.start())


def _read_prices(text: str, found: SlotValues) -> None:
    for at, price in sorted((m.start(), price) for pattern, price in _PRICE for m in pattern.finditer(text)):
        if not _COMPLAINT.search(text[max(0, at - 15) : at]):
            _put(found, "price", price, text, at)


def _read_kinds(text: str, found: SlotValues) -> None:
    """Read cuisines, kinds of attractions (``sight``) and kinds of hotels (``house``)."""
    for pattern in (_OTHER_CUISINE, _CUISINE):
        for match in pattern.finditer(text):
            if not is_persona(text, *match.span()):
                _put(found, "cuisine", DISHES.get(match[1], match[1]), text, match.start())
    for at, sight in sights(text):
        _put(found, "sight", sight, text, at)
    for pattern, house in _HOUSE:
        for match in pattern.finditer(text):
            _put(found, "house", house, text, match.start())


def _read_dropped(text: str, found: SlotValues) -> None:
    """Read the slots that don't matter, and take back their values."""
    for slot, pattern in _DROPS.items():
        if slot != "day" and pattern.search(text):
            found.dropped.add(slot)
            found.values.pop(slot, None)
    if _ANYWHERE.search(text) and "area" not in found.values:
        found.dropped.add("area")


def is_persona(text: str, start: int, end: int) -> bool:
    """Return whether a word describes the speaker ("a museum curator", "I love parks") and asks for nothing."""
    return bool(_LIKES.search(text[max(0, start - 40) : start]) or _WORK.match(text, end))


def _put(found: SlotValues, slot: str, value: Any, text: str, at: int) -> None:
    """Note a value that stands at a position of the text, as wanted or as excluded."""
    if _is_excluded(text, at):
        found.excluded.add((slot, value))
    else:
        found.values[slot] = value


def sights(text: str) -> Iterator[tuple[int, str]]:
    """Yield the position and kind of every attraction that is looked for; "a hotel with a pool" names none."""
    taken: list[tuple[int, int]] = []
    for pattern, sight in _SIGHT:
        for match in pattern.finditer(text):
            if any(start <= match.start() < end for start, end in taken):
                continue
            taken.append(match.span())
            if is_persona(text, *match.span()):
                continue
            if not _BESIDE.search(text[max(0, match.start() - 30) : match.start()]):
                yield match.start(), sight


def _read_days(text: str, found: SlotValues) -> None:
    today = DAYS.index(TODAY)
    days = []
    for match in _DAY.finditer(text):
        if match[1]:
            day = next(d for d in DAYS if d.startswith(match[1][:3]))
        else:
            ahead = {"tomorrow": 1, "day after tomorrow": 2}.get(match[2], 0)
            day = DAYS[(today + ahead) % 7]
        if _is_excluded(text, match.start()):
            found.excluded.add(("day", day))
            continue
        days.append((match.start(), match.end(), day))
    if not days:
        return
    found.values["day"] = days[-1][2]
    stay = re.search(rf"\b(?:from )?({'|'.join(DAYS)}) (?:to|until|till|through) ({'|'.join(DAYS)})\b", text)
    if stay and not re.search(r"\b(?:move|change|switch|reschedul\w+|shift|postpone)\b", text):
        found.values["day"] = stay[1]
        found.values["until"] = stay[2]


def _read_times(text: str, found: SlotValues) -> None:
    for match in _CLOCK.finditer(text):
        time = _clock(match)
        if time is None or _is_excluded(text, match.start()):
            continue
        before = text[max(0, match.start() - 30) : match.start()] + (match[0].split()[0] if match["bare"] else "")
        if re.search(
            r"(?:no earlier than|not before|after|later than|from|earliest|leaving at|leave at"
            r"|depart(?:ing)? at)\s*(?:about |around )?$",
            before,
        ) and not re.search(r"no(?:t)? later than\s*$", before):
            found.values["leave_after"] = time
        elif re.search(
            r"(?:by|before|no later than|not later than|latest|until|arriv(?:e|ing) at)\s*(?:about "
            r"|around )?$",
            before,
        ):
            found.values["arrive_by"] = time
        found.values["time"] = time


def _clock(match: re.Match[str]) -> str | None:
    """Return a time as ``HH:MM``, with ``~`` before it if it may be twelve hours later; None for no time of day."""
    if match["word"]:
        return {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}[match["word"]]
    half = match["ap"] or match["ap2"] or match["ap3"] or match["ap4"] or ""
    if match["half"]:
        hour = number(match["hh"])
        minute = {"half past": 30, "quarter past": 15, "quarter to": -15}[match["half"]]
    elif match["bare"] or match["oclock"] or match["named"]:
        hour, minute = number(match["bare"] or match["oclock"] or match["named"]), 0
    else:
        hour, minute = int(match["h"]), int(match["m"] or match["hm"] or 0)
    if half and hour > 12:
        half = ""
    if half.startswith("p") and hour < 12:
        hour += 12
    elif half.startswith("a") and hour == 12:
        hour = 0
    minutes = hour * 60 + minute
    if not 0 <= minutes < 24 * 60:
        return None
    spelled = f"{minutes // 60:02}:{minutes % 60:02}"
    # "7:30" or "at 7" without am, pm or a leading zero may be the evening: the caller knows the opening hours.
    vague = not half and 0 < hour < 12 and not match[0].lstrip("abdefilnortuy ").startswith("0")
    return f"~{spelled}" if vague else spelled


def _read_counts(text: str, found: SlotValues) -> None:
    for match in _PEOPLE.finditer(text):
        given = match["a"] or match["b"] or match["c"] or match["d"] or match["e"] or match["f"]
        count = number(given) if given else 1 if match["one"] else 2
        if match["e"] and text[match.start() - 4 : match.start()] == "ask ":
            continue
        found.values["people"] = count
    if re.search(r"\b(?:the )?(?:two|both) of us\b", text):
        found.values["people"] = 2
    for match in _NIGHTS.finditer(text):
        found.values["nights"] = number(match["n"]) if match["n"] else 1 if match["one"] else 7
    for match in _STARS.finditer(text):
        stars = number(match["a"] or match["b"] or match["c"])
        if 1 <= stars <= 5:
            found.values["stars"] = stars
    if to := re.search(
        rf"\b(?:from|of) {NUMBER} (?:nights? |people |guests |persons )?to ({NUMBER})\b(?![:.]\d)", text
    ):
        slot = "nights" if "night" in text else "people"
        found.values[slot] = number(to[1])
    for match in _MORE.finditer(text):
        if re.search(r"\b(?:more|extra|additional|another|extend.* by)\b", text[: match.start()][-30:] + match[0]):
            n = 1 if match["n"] in ("a", "an", "another") else number(match["n"])
            slot = "nights" if match["what"].startswith("night") else "people"
            found.increments[slot] = n
            found.values.pop(slot, None)


def _read_features(text: str, found: SlotValues) -> None:
    for slot, pattern in _FEATURES.items():
        for match in pattern.finditer(text):
            before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() : match.end() + 40]
            if _NO_NEED.search(before) or re.match(
                r"(?: seating| space)? (?:is not|isn't|does not|doesn't|not)(?: really)? (?:needed"
                r"|necessary|important|matter|required|a must)",
                after,
            ):
                found.dropped.add(slot)
                found.values.pop(slot, None)
            else:
                found.values[slot] = True
    if _FREE.search(text):
        found.values["free_entry"] = True


def _read_cities(text: str, found: SlotValues) -> None:
    """Read the cities that trains go to: ``origin``, ``destination``, and ``city`` where it does not say which."""
    known = {city.lower(): city for city in CITIES}
    for match in _BETWEEN.finditer(text):
        found.values["origin"] = known[match[1]]
    for match in _CITY_LOW.finditer(text):
        city, preposition = known[match["city"]], match["prep"] or ""
        if preposition == "from" and _NATIVE.search(text[: match.start()]):
            continue
        if preposition in ("from", "leaving", "departing", "out of"):
            found.values["origin"] = city
        elif preposition:
            found.values["destination"] = city
        elif city not in (found.values.get("origin"), found.values.get("destination")):
            found.values["city"] = city
    for match in _HERE.finditer(text):
        found.values["origin" if match["prep"] == "from" else "destination"] = CITIES[0]


def _read_unknown_cities(original: str, found: SlotValues) -> None:
    """Read the names of cities that no train goes to, by their capitals."""
    for match in _CITY.finditer(original):
        slot = _UNKNOWN_CITY_SLOTS.get(match["prep"])
        if slot is not None and not _is_known(match["city"].lower()):
            found.values[slot] = match["city"]


def _is_known(name: str) -> bool:
    """Return whether a name is, or starts like, that of a city trains go to, or is a day."""
    word = name.split()[0]
    cities = [city.lower() for city in CITIES]
    return name in cities or any(city.startswith(word) for city in cities) or _DAY.match(word) is not None
