"""Natural language understanding of a rule-based user: the meaning of an agent's reply.

It reads plain English by patterns, since all a user gets to see is text. The patterns are meant for rule-based agents
and for language models alike: what they look for are the words any polite agent uses, not one agent's phrases.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

REFERENCE: Final = re.compile(r"\b(?:CQ|MW)-[A-Z0-9]{5}\b", re.IGNORECASE)

_BOOKED = re.compile(r"\b(?:booked|reserved|reservation|booking (?:is|has been) (?:made|confirmed)|confirmed)\b", re.I)
_FULL = re.compile(
    r"\bfully booked\b|\bsold out\b"
    r"|\bno (?:free |more |available )?(?:seats|tables|rooms|tickets|places|availability)\b"
    r"|\b(?:is|are) (?:not available|unavailable|full)\b|\bno longer available\b",
    re.I,
)
_NO_MATCH = re.compile(
    r"(?:\b(?:no|not|unable|none|nothing|cannot)|n't)\b[^.?!]{0,80}?"
    r"\b(?:match|matches|matching|find|found|available|exist|exists|have any|any such|meets?|fits?)\b",
    re.I,
)
_NOT_UNDERSTOOD = re.compile(
    r"didn't (?:quite )?(?:catch|understand|get that)|did not (?:catch|understand)|don't understand|rephrase"
    r"|not sure what you",
    re.I,
)
_CHANGED = re.compile(r"\b(?:changed|updated|modified|rescheduled|amended|moved)\b", re.I)
_CANCELLED = re.compile(r"\bcancell?ed\b|\bcancellation (?:is|has been)\b", re.I)
_REFUSED = re.compile(
    r"\b(?:can't|cannot|can not|unable to|not able to|not possible to|couldn't)\b[^.?!]{0,40}"
    r"\b(?:book|reserve|change|cancel|move|modify|process|complete|do that|help with)\b"
    r"|\bno booking\b|\bcan't be changed\b|\bcan(?:no|')t (?:find|locate) (?:a |your |that |any )?booking",
    re.I,
)
_CLOSED = re.compile(r"\bclosed\b|\bnot open\b|\bisn't open\b", re.I)
_OFFER = re.compile(
    r"\bshall i\b|\bshould i\b|\blike me to\b|\bwant me to\b|\bwould you like (?:to|a|it|that|this|one)\b"
    r"|\bdo you want (?:to|it|that|this)\b|\bdoes (?:that|this|it|any|either) (?:sound|work|suit|fit)\b"
    r"|\bis (?:that|this|it|everything) (?:ok|okay|correct|right|fine|all right)\b|\bcan i (?:book|confirm|go)\b"
    r"|\bconfirm\b|\b(?:shall|should) we\b|\bproceed\b|\bgo ahead\b",
    re.I,
)
_FOUND = re.compile(
    r"\b(?:suggest|recommend|found|there (?:is|are)|here (?:is|are)|options?|how about|what about|is an? |leaves)\b"
    r"|\bdeparts\b",
    re.I,
)
_CUE = re.compile(
    r"\?|\bplease (?:tell|provide|give|let|specify|share|say|confirm)\b"
    r"|\blet me know\b|\bi(?:'ll| will| still|'d)? need\b|\bcould you\b|\bcan you\b",
    re.I,
)
_REQUESTS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern, re.I)
    for name, pattern in {
        "people": r"how many (?:people|guests|persons|passengers|tickets|seats|travell?ers|of you|will)|party size"
        r"|number of (?:people|guests|persons|passengers|travell?ers|tickets)|for how many (?:people|guests|persons)",
        "nights": r"\bnights\b|how long (?:will|would|do) you",
        "time": r"\btime\b|\bwhat hour\b",
        "day": r"\b(?:which|what) (?:day|date)s?\b|\bday\b(?! of)|\bdate\b|\bwhen (?:would|do|will|should)\b",
        "origin": r"where from|from where|where (?:are|will|would) you (?:be )?(?:leaving|departing|travell?ing|coming)"
        r" from|(?:departure|starting) (?:city|station|point)|\borigin\b|\bfrom which\b",
        "destination": r"where to\b|\bto where\b|\bdestination\b"
        r"|where (?:are|would|do|will) you (?:be |like to |want to )?(?:go|going|travel|travell?ing)(?: to)?\b(?! from)"
        r"|\bto which\b",
        "area": r"\barea\b|part of (?:the )?town|which side|\blocation\b",
        "price": r"\bprice\b|\bbudget\b|price range",
        "cuisine": r"\bcuisine\b|(?:kind|type|sort) of food",
        "kind": r"(?:kind|type|sort) of (?:place|attraction|hotel|accommodation)",
        "stars": r"how many stars|star rating",
        "reference": r"\breference\b|booking (?:number|code)",
        "user_name": r"\byour (?:full |first |last )?name\b|name (?:for|of) the (?:booking|reservation)"
        r"|under (?:which|what) name",
        "phone": r"\byour (?:phone|mobile|contact|telephone)\b|contact number",
        "email": r"\be-?mail\b",
        "card": r"\b(?:credit|debit|payment) (?:card|details|method)\b|\bcard number\b",
    }.items()
}
_FACTS: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(pattern, re.I)
    for name, pattern in {
        "phone": r"\b\d{4,5}[ -]?\d{6}\b",
        "address": r"(?-i:\b\d+ [A-Z][a-z]+ [A-Z][a-z]+\b)",
        "postcode": r"\b(?:QH|CB|PE)\d{1,2} ?\d[A-Z]{2}\b",
        "entry_fee": r"\b\d+ (?:crowns?|pounds?)\b|£ ?\d|\bfree\b|no (?:entry|admission) (?:fee|charge)",
        "price": r"\b\d+ (?:crowns?|pounds?)\b|£ ?\d|\b(?:cheap|moderate|moderately|expensive)\b",
        "opens": r"\b(?:open|opens|opening)\b[^.]{0,60}\d\d?:\d\d\b",
        "closes": r"\b(?:close|closes|closing|until|till|open|opens)\b[^.]{0,60}\d\d?:\d\d\b",
        "departs": r"\b(?:leav|depart)\w*[^.]{0,60}\d\d?:\d\d\b",
        "arrives": r"\barriv\w*[^.]{0,60}\d\d?:\d\d\b",
        "minutes": r"\b\d+ ?min(?:ute)?s?\b|\b\d+ ?h(?:our)?s?\b",
        "stars": r"\b[1-5][ -]?stars?\b",
        "area": r"\b(?:north|south|east|west|centre)\b",
    }.items()
}
_IF = re.compile(r"\s*if\b", re.I)
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")


@dataclass(frozen=True, slots=True)
class ReplyMeaning:
    """The meaning of a reply: the dialogue acts of the agent found in it, of which several may hold at once."""

    text: str
    booked: bool = False
    """A booking was made."""
    reference: str | None = None
    """The reference of a booking."""
    changed: bool = False
    """A booking was changed."""
    cancelled: bool = False
    """A booking was cancelled."""
    full: bool = False
    """Something is fully booked."""
    closed: bool = False
    """Something is closed."""
    no_match: bool = False
    """Nothing matches."""
    refused: bool = False
    """The agent can't do what was asked for."""
    not_understood: bool = False
    """The agent did not understand, or said nothing."""
    offer: bool = False
    """A yes-or-no question whether to go on."""
    found: bool = False
    """A place or train is described."""
    requests: tuple[str, ...] = ()
    """Slots the agent asks for."""

    def informs(self, fact: str) -> bool:
        """Return whether the reply holds something that looks like this fact."""
        pattern = _FACTS.get(fact)
        if pattern is not None:
            return pattern.search(self.text) is not None
        return fact.replace("_", " ") in self.text.lower()


def interpret(text: str | None) -> ReplyMeaning:
    """Return the meaning of a reply, as far as patterns can tell."""
    if not text or not text.strip():
        return ReplyMeaning(text="", not_understood=True)
    text = text.replace("’", "'")
    reference = REFERENCE.search(text)
    full = _FULL.search(text) is not None
    statements = " ".join(sentence for sentence in _SENTENCE.split(text) if not sentence.rstrip().endswith("?"))
    booked = reference is not None and _BOOKED.search(statements.replace("fully booked", "")) is not None
    questions = _questions(text)
    no_match = not booked and not full and any(_NO_MATCH.search(s) for s in _SENTENCE.split(text) if not _IF.match(s))
    return ReplyMeaning(
        text=text,
        booked=booked,
        reference=reference[0].upper() if reference else None,
        changed=_CHANGED.search(statements) is not None,
        cancelled=_CANCELLED.search(statements) is not None,
        full=full and not booked,
        closed=_CLOSED.search(text) is not None and not booked,
        no_match=no_match,
        refused=_REFUSED.search(text) is not None,
        not_understood=_NOT_UNDERSTOOD.search(text) is not None,
        offer=any(_OFFER.search(sentence) for sentence in questions),
        found=not no_match and not full and _FOUND.search(text) is not None,
        requests=tuple(slot for slot, pattern in _REQUESTS.items() if any(pattern.search(s) for s in questions)),
    )


def _questions(text: str) -> list[str]:
    """Return the sentences that ask for something, and the lines of a list that such a sentence introduces."""
    questions: list[str] = []
    listing = False
    for sentence in _SENTENCE.split(text):
        if not sentence.strip():
            continue
        if _CUE.search(sentence):
            questions.append(sentence)
            listing = sentence.rstrip().endswith(":")
        elif listing and re.match(r"\s*(?:[-*•]|\d+[.)])?", sentence) and len(sentence) < 80:
            questions.append(sentence)
        else:
            listing = False
    return questions


_MENTIONS: Final[Mapping[str, re.Pattern[str]]] = {
    "price": re.compile(r"\bprice\b|\b(?:cheap|moderate|moderately priced|expensive)\b", re.I),
    "stars": re.compile(r"\bstars?\b", re.I),
    "cuisine": re.compile(r"\bcuisine\b", re.I),
    "parking": re.compile(r"\bparking\b", re.I),
    "wifi": re.compile(r"\bwi-?fi\b", re.I),
    "breakfast": re.compile(r"\bbreakfast\b", re.I),
    "outdoor_seating": re.compile(r"\boutdoor seating\b", re.I),
}


def unrequested_constraints(known: Container[str], text: str) -> list[str]:
    """Return the constraints a refusal speaks of that the user never had.

    Args:
        known: The names of the user's constraints.
        text: The agent's reply.
    """
    return [slot for slot, pattern in _MENTIONS.items() if slot not in known and pattern.search(text)]


def missing_features(constraints: Mapping[str, Any], text: str) -> list[str]:
    """Return the features that are required and that the agent says a place does not have.

    Args:
        constraints: The user's constraints.
        text: The agent's reply.
    """
    features = [name for name in ("parking", "wifi", "breakfast", "outdoor_seating") if constraints.get(name) is True]
    return [feature for feature in features if _has(feature, text.replace("’", "'").lower()) is False]


def condition_holds(condition: Mapping[str, Any], text: str) -> bool | None:
    """Return whether a condition on a fact holds, going by the agent's words; None where they don't tell.

    Args:
        condition: ``{fact: ..., above: n}``, ``below: n`` or ``is: value``.
        text: The agent's words about the place or train.
    """
    fact = str(condition.get("fact"))
    value = _value(fact, text)
    if value is None:
        return None
    if "above" in condition or "below" in condition:
        if not isinstance(value, int | float):
            return None
        above, below = condition.get("above"), condition.get("below")
        return (above is None or value > above) and (below is None or value < below)
    return value == condition.get("is")


_AMOUNT = re.compile(r"\b(\d+(?:\.\d+)?) (?:crowns?|pounds?)\b|£ ?(\d+(?:\.\d+)?)")


def _value(fact: str, text: str) -> float | str | bool | None:
    """Return the value of a fact that a text states; None where it states none."""
    text = text.replace("’", "'").lower()
    if fact in ("entry_fee", "price") and (amount := _AMOUNT.search(text)):
        return float(amount[1] or amount[2])
    if fact == "entry_fee":
        return 0 if re.search(r"\bfree\b|no (?:entry|admission) (?:fee|charge)", text) else None
    if fact == "minutes":
        if minutes := re.search(r"\b(\d+) ?min", text):
            hours = re.search(r"\b(\d+) ?h(?:our)?s?\b", text)
            return int(minutes[1]) + (60 * int(hours[1]) if hours else 0)
        return None
    if fact == "stars":
        stars = re.search(r"\b([1-5])[ -]?stars?\b", text)
        return int(stars[1]) if stars else None
    words = {"area": r"north|south|east|west|centre", "price": "cheap|moderate|expensive"}.get(fact)
    if words is not None:
        word = re.search(rf"\b({words})", text)
        return word[1] if word else None
    return _has(fact, text)


def _has(fact: str, text: str) -> bool | None:
    """Return whether a place has a feature, such as parking; None where the text does not tell."""
    name = {"outdoor_seating": r"outdoor|outside|terrace", "wifi": r"wi-?fi|internet"}.get(fact, fact.split("_")[0])
    found = re.search(rf"(\b(?:no|not|without|lacks|doesn't|does not)\b[^.;,]{{0,40}})?\b(?:{name})", text)
    return None if found is None else found[1] is None
