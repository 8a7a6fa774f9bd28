"""Natural language understanding of the rule-based agent: segments about one thing each, intents, requested facts.

Rules only, no model: names of the town are masked first (so that "Foundry Park" asks for no park), the utterance is
cut where another kind of thing begins, and every segment is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from pytest_ugst.agents.rules import slot_values
from pytest_ugst.agents.rules.lexicon import CUISINES, DISHES, NUMBER
from pytest_ugst.agents.rules.slot_values import SlotValues, read_slots
from pytest_ugst.domains.concierge.data import places

MAX_READ = 4_000
"""Characters of an utterance that are read; the rest is ignored."""


@dataclass(slots=True)
class Segment:
    """A part of an utterance that is about one thing."""

    kind: str | None
    """restaurant, hotel, attraction, train; None where it does not say."""
    text: str
    """The words, in lower case and masked."""
    slots: SlotValues
    names: list[str] = field(default_factory=list)
    """Places and trains it names, exactly."""
    references: list[str] = field(default_factory=list)
    """References of bookings it names."""
    intents: set[str] = field(default_factory=set)
    """Keys of the table of intents."""
    requests: list[str] = field(default_factory=list)
    """Facts it asks for."""


@dataclass(slots=True)
class UtteranceMeaning:
    """The meaning of a whole utterance."""

    segments: list[Segment]
    """The parts in their order; at least one."""
    intents: set[str]
    """The intents of all parts, and ``yes``, ``weak_yes`` or ``no``."""
    numbers: list[int]
    """All plain numbers, for the answer to "how many?"."""


@cache
def _gazetteer() -> tuple[re.Pattern[str], dict[str, tuple[str, str]]]:
    """Return a pattern for the names of all places, and by lower-case name its kind and spelling."""
    known = {record["name"].lower(): (table[:-1], record["name"]) for table, record in places()}
    names = sorted(known, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(re.escape(name) for name in names) + r")\b"), known


_REFERENCE = re.compile(r"\bcq[ -]?([0-9a-z]{5})\b")
_TRAIN_ID = re.compile(r"\btr[ -]?(\d{4})\b")

_RESTAURANT = re.compile(
    r"\b(?:restaurants?|places? to (?:eat|dine)|somewhere to (?:eat|dine)|(?:eat"
    r"|dine|dining) out|dining|dinner|lunch|brunch|supper|eatery|bistro|a table"
    r"|table for|to eat|a meal|food)\b"
    rf"|\b(?:{'|'.join((*CUISINES, *DISHES))})\b"
)
_HOTEL = re.compile(
    r"\b(?:hotels?|guest ?-?houses?|hostels?|places? to stay|somewhere to (?:stay"
    r"|sleep)|accommodations?|lodgings?|a room|rooms|b&b|bed and breakfast)\b"
)
_SIGHT = re.compile(
    r"\b(?:attractions?|sights?|sightseeing|things? to (?:do|see)|places? to (?:go"
    r"|visit|see)|something to (?:do|see))\b"
)
_TRAIN = re.compile(r"\b(?:trains?|railway|train ride)\b")

_KINDS = {"restaurant": _RESTAURANT, "hotel": _HOTEL, "attraction": _SIGHT, "train": _TRAIN}
_NAMED = re.compile(r"@place|@ride")

_HARD_CUT = re.compile(r"[.!?;\n]+\s")
_SOFT_CUT = re.compile(
    r"(?:\band|\bthen|\balso|\bplus|\bas well as)\s+(?:(?:then|also|finally|lastly"
    r"|secondly|after that)\s+)?(?=(?:i|i'd|i'll|i'm|we|a|an|some|one|my|the|to"
    r"|find|book|could|can|please|another|help|look|need|reserve|cancel|change)\b)"
)
_AND = re.compile(r"\b(?:and|then|also|plus)\s+|,\s+")
_CONDITIONAL = re.compile(
    r"\b(?:if|in case|unless|otherwise)\b(?! (?:possible|you (?:can|could|would"
    r"|don't mind)|available|so|that's (?:ok|okay|possible|fine)|it's possible))[^.!?;,]*(?:, (?:then )?[^.!?;]*)?"
)
_TELL_IF = re.compile(r"\b(?:see|check|know|ask|wonder(?:ing)?|tell me|confirm|sure|find out)\s+if\b")

_INTENT_PATTERNS = {
    "book": (
        r"\b(?:book|reserve)\b|\bmake (?:a|the|that|this) (?:booking|reservation)|\b(?:a"
        r"|the|my) (?:booking|reservation) for\b|\bbooking (?:it|that|this)\b|\bget (?:me "
        r"|us )?(?:\w+ )?tickets?\b|\b(?:need|want|like|have|get|for) (?:a|the) (?:booking"
        r"|reservation|table for)\b|\bbuy (?:\w+ )?tickets?\b"
    ),
    "nobook": (
        r"(?:\bdon't|\bdo not|\bno need to|\bneedn't|\bnot|\bwon't|\bwithout|\bbefore (?:you "
        r"|we |i )?|\brather not|\bno) (?:\w+ ){0,4}(?:book|booking|reserve|reservation)\b"
        r"|\bhold off\b"
    ),
    "change": (
        r"\b(?:change|modify|amend|reschedul\w+|move|moved|update|shift|postpone|alter"
        r"|extend|adjust|switch)\b(?! (?:of|my mind))"
    ),
    "cancel": r"(?<!not )(?<!n't )\bcancel(?:l?ing)?\b(?! (?:later|free|anytime|at any))",
    "lookup": (
        r"\b(?:look up|find|check|see|show|confirm|what(?:'s| is| are)|view|verify|have)\b[^.?!]{0,30}\b(?:booking"
        r"|reservation)\b"
    ),
    "manage": r"\b(?:booking|reservation|booked|reference)\b",
    "another": (
        r"\banother\b|\b(?:something|anything|anywhere|somewhere|someplace) else\b|\belse (?:is"
        r"|do you|can you)|\bdifferent\b|\balternatives?\b|\bother (?:options?|ones?"
        r"|choices?|suggestions?|places?|restaurants?|hotels?|guesthouses?|attractions?"
        r"|trains?|museums?)\b|\bnext one\b|\bany others?\b|\bnot that one\b|\bdon't (?:really )?(?:like"
        r"|fancy) (?:it|that|this)\b|\bwhat else\b"
    ),
    "second": (
        r"\b(?:later|last) (?:one|train)\b|\b(?:the )?(?:second|2nd|latter|other) one\b"
        r"|\bthe (?:second|latter)\b"
    ),
    "first": r"\b(?:the )?(?:first|1st|former) one\b|\bthe (?:first|former)\b",
    "instead": r"\binstead\b|\bchang(?:e|ed|ing) my mind\b|\brather\b|\bon second thou?ghts?\b|\bactually\b",
    "forget": (
        r"\b(?:forget (?:about )?|never ?mind (?:about )?|skip |drop |leave out |no longer (?:need"
        r"|want) )(?:the|that|this|a|my|it)\b"
    ),
    "repeat": (
        r"\b(?:repeat|restate|summari[sz]e|recap|read (?:it |that |them )?back|go over"
        r"|run through|double.?check)\b|\bsay (?:that|it) again\b|\bconfirm (?:all "
        r"|the |my |these |those |me )*(?:booking |reservation )?(?:details?|booking"
        r"|reservation|everything|information)\b"
    ),
    "anyway": (
        r"\b(?:no|not any|any|without) (?:specific |particular |strong |special |other )*(?:preferences?"
        r"|requirements?|constraints?)\b|\b(?:don't|do not) (?:really )?(?:mind|care)\b"
        r"|\bdoesn't (?:really )?matter\b|\b(?:anything|any|whatever|anywhere|either"
        r"|whichever)(?: of (?:them|those))?(?: one)? (?:is fine|works|will do|would do"
        r"|is ok|is okay|is good)\b|\bup to you\b|\byou (?:choose|decide|pick)\b|\bno particular\b"
        r"|\bsurprise me\b|\banything\b|\bi'm (?:flexible|easy|open)\b"
    ),
    "unknown": (
        r"\b(?:don't|do not) (?:know|have (?:that|this|any|the) (?:information|info"
        r"|details?)?)|\bnot sure\b|\bhaven't decided\b|\bno idea\b|\bnot (?:been )?decided\b"
        r"|\bdon't have (?:that|it|one)\b"
    ),
    "closing": (
        r"\b(?:that's|that is|that'll be|that will be|that would be|this is) (?:all"
        r"|everything|it)\b(?! (?:i|we) (?:don't|can't))|\bnothing else\b|\bgood ?bye\b"
        r"|\bbye\b|\bhave a (?:nice|good|great|lovely|wonderful)\b|\b(?:i'm|i am|we're) (?:all )?(?:set"
        r"|done)\b|\bno (?:more|further|other) (?:questions?|requests?|help)\b|\bdon't need anything(?: else"
        r"| more)?\b|\btake care\b|\ball done\b|\bterminate\b"
    ),
    "thanks": r"\bthanks?\b|\bthank you\b|\bcheers\b|\bappreciate\b",
    "hello": r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings)\b",
    "question": r"\?|\b(?:tell|give|send|let) me\b|\b(?:what|where|when|which|how)\b",
}
_INTENTS = {name: re.compile(pattern) for name, pattern in _INTENT_PATTERNS.items()}
_YES = re.compile(
    r"(?:^|[.!,;]\s*|\b(?:so|and|but|great|perfect|ok|okay|oh|well)[,!]? )\W{0,4}(?:yes"
    r"|yeah|yep|yup|sure|of course|absolutely|definitely|certainly|please do|go ahead"
    r"|correct|right|exactly|do it|do that|confirmed?|i confirm|agreed)\b"
    r"|\b(?:please (?:do|book|go ahead|proceed|confirm)|go ahead|i(?:'ll| will) (?:take"
    r"|have) (?:it|that|this)|let's (?:do|take|go (?:with|for|ahead)|book)|proceed"
    r"|sounds (?:good|great|perfect|lovely|fine|ideal|wonderful|fantastic|excellent)"
    r"|that (?:works|suits|would be (?:great|perfect|lovely|good|fine|wonderful))"
    r"|works for (?:me|us)|i'd (?:like|love) (?:that|it|to book)|that's (?:fine"
    r"|right|correct|perfect|great|good))\b"
)
_WEAK_YES = re.compile(
    r"^\W*(?:ok|okay|alright|fine|great|perfect|good|wonderful|excellent|lovely"
    r"|nice|fantastic|brilliant|awesome|please)\b"
)
_NO = re.compile(
    r"^\W*(?:no|nope|nah|not (?:now|really|yet|today|this time|that one|for now"
    r"|at the moment))\b(?!\s+(?:outdoor|parking|wi-?fi|breakfast|terrace|stars?"
    r"|area|price|cuisine|preferences?|problem|need to worry|idea|particular|specific"
    r"|matter|worries|rush|strong|more than|later|earlier|need for|special|real))"
    r"|\b(?:no,? thanks?|no,? thank you|i'd rather not|don't book|do not book|just (?:the )?(?:info"
    r"|information|looking)|that won't be necessary|no need)\b"
)

_REQUEST_PATTERNS = {
    "phone": r"\b(?:phone|telephone|contact)(?: number)?s?\b|\b(?:call|ring) (?:them|it)\b",
    "address": (
        r"\baddress(?:es)?\b|\bwhere (?:exactly )?(?:is|are) (?:it|they|that|this|@place"
        r"|the)\b|\bhow (?:do|can) i (?:get|find)\b"
    ),
    "postcode": r"\b(?:post ?code|postal code|zip(?: code)?)\b",
    "area": r"\b(?:which|what) (?:area|part|side|district)\b|\b(?:its|the|their) area\b|\blocated\b|\bits location\b",
    "hours": (
        r"\b(?:opening|closing|business|open) (?:hours?|times?)\b|\bwhat time\b[^.?!]{0,25}\b(?:open"
        r"|close)s?\b|\bwhen\b[^.?!]{0,25}\b(?:open|close)s?\b|\bhours\b|\b(?:is|are"
        r"|be) (?:it|they|@place) open\b|\bhow late\b"
    ),
    "cuisine": (
        r"\b(?:what|which|its|the|their) (?:kind |type |sort )?(?:of )?(?:food|cuisine)(?: type)?\b(?! (?:is"
        r"|should))"
    ),
    "price": (
        r"\bhow (?:much|expensive)\b|\b(?:what|its|the|their|total|ticket|tell me|and"
        r"|know|give|also)\b[^.?!]{0,30}\b(?:price|cost|costs|fare|price range|prices)\b"
        r"|\b(?:price|cost|fare|price range)\s*\?|^\W*(?:price|cost|fare)"
    ),
    "entry_fee": (
        r"\b(?:entry|entrance|admission|ticket)(?: fee| price| cost| charge)s?\b|\b(?:the"
        r"|any) fee\b|\bis (?:it|entry|admission|entrance) free\b"
    ),
    "stars": r"\bhow many stars\b|\b(?:what|its|the|star)[^.?!]{0,12} (?:star )?rating\b|\bnumber of stars\b",
    "kind": (
        r"\bwhat (?:kind|type|sort) of (?:place|attraction|house|hotel|accommodation"
        r"|sight)\b|\b(?:its|the) (?:kind|type)\b"
    ),
    "departs": (
        r"\bdepart(?:s|ure|ing)?(?: times?)?\b(?! (?:after|before|by|at|from|around"
        r"|no|on|the|is after))|\bwhat time\b[^.?!]{0,30}\bleaves?\b|\bwhen\b[^.?!]{0,30}\bleaves?\b"
        r"|\bleaving time\b"
    ),
    "arrives": (
        r"\barriv(?:es?|al|ing)(?: times?)?\b(?! (?:after|before|by|at|from|around|no"
        r"|on|in|the))|\bget (?:in|there) at\b"
    ),
    "minutes": r"\bhow long\b|\b(?:travel|journey|trip) (?:time|duration)\b|\bduration\b",
    "id": r"\btrain (?:id|number|no)\b|\bwhich train\b",
    "seats_left": r"\bhow many seats\b|\bseats? (?:left|available)\b",
    "free_days": (
        r"\b(?:which|what) days?\b|\bfree days?\b|\bis (?:it|that|@place) (?:still )?available\b"
        r"|\bavailability\b"
    ),
    "reference": (
        r"\b(?:reference|confirmation|booking)(?: number| code)?\b(?=[^.!]*\?)|\b(?:the"
        r"|my|a|its) (?:booking |confirmation )?(?:reference|confirmation|booking) ?(?:number"
        r"|code)\b|\breference\b"
    ),
}
_REQUESTS = {fact: re.compile(pattern) for fact, pattern in _REQUEST_PATTERNS.items()}
_MINE = re.compile(
    r"\b(?:my|our|your) (?:own |e-?mail |phone |telephone |mobile |contact |home "
    r"|postal )*(?:phone|number|address|email|details|postcode|name|budget)\b(?! is\?)"
    r"|\bphone case\b"
)
_PRICED = re.compile(
    r"\b(?:cheap\w*|moderate\w*|expensive|budget|affordable|mid-?range|low|high"
    r"|any|same|lower|higher|reasonable)(?:ly)?[- ](?:in )?pric\w+(?: range)?|\bpric\w+(?: range)? (?:is "
    r"|should be |of |to be |range )*(?:cheap|moderate|expensive)\w*"
)
_FEATURE_WORDS = {
    "parking": r"(?:car )?park(?:ing)?",
    "wifi": r"(?:wi-?fi|internet)",
    "breakfast": r"breakfasts?",
    "outdoor_seating": r"(?:outdoors?|outside|terrace)",
}
_FEATURE_QUESTIONS = {
    slot: re.compile(
        r"\b(?:does|do|is|are|has|have|whether|if|can)\s+(?:(?P<vague>there|you)|it|they|this|that|we|i|@place"
        rf"|the \w+(?: \w+)?)\b[^.?!,]{{0,40}}\b{words}\b"
        rf"|\b(?:is|are|what about|how about)\s+(?:the |any )?{words}\b"
    )
    for slot, words in _FEATURE_WORDS.items()
}
"""Questions whether a place has a feature; "is there ..." is one only where no kind of place is looked for."""


_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00a0": " ", "@": " ", "*": " "})
"""Typographic signs as typed ones; ``@`` is for the masks."""


def understand(utterance: str) -> UtteranceMeaning:
    """Return the meaning of an utterance. Any text will do."""
    original = utterance[:MAX_READ].translate(_PLAIN)
    names: list[tuple[str, str]] = []
    references: list[str] = []
    masked = _mask(original, names, references)
    text = _without_conditions(_lower(masked))
    segments = []
    names_left, references_left = list(names), list(references)
    for start, end, kind in _cut(text, names):
        piece = text[start:end]
        named = [names_left.pop(0)[1] for _ in _NAMED.findall(piece)]
        referred = [references_left.pop(0) for _ in re.findall("@ref", piece)]
        segments.append(_read_segment(piece, masked[start:end], kind, named, referred))
    intents = {name for name, pattern in _INTENTS.items() if pattern.search(text)}
    if _YES.search(text):
        intents.add("yes")
    elif _WEAK_YES.search(text):
        intents.add("weak_yes")
    if _NO.search(text):
        intents.add("no")
        intents.discard("yes")
    numbers = [slot_values.number(m) for m in re.findall(rf"\b{NUMBER}\b(?![:.]\d)", text)]
    return UtteranceMeaning(segments, intents, numbers)


def _lower(text: str) -> str:
    """Return a text in lower case and of the same length (a few letters of other scripts would grow)."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _without_conditions(text: str) -> str:
    """Blank out "if it is full, ...": the user will come back to it; but not "tell me if ..."."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if _TELL_IF.search(text[: match.start() + 3]) else " " * len(match[0])

    return _CONDITIONAL.sub(blank, text)


def _mask(original: str, names: list[tuple[str, str]], references: list[str]) -> str:
    """Put ``@place``, ``@ride`` and ``@ref`` where a name, a train or a reference stands, and note which."""
    pattern, known = _gazetteer()
    text = _lower(original)
    spots: list[tuple[int, int, str]] = []
    for regex, mask in ((pattern, "@place"), (_TRAIN_ID, "@ride"), (_REFERENCE, "@ref")):
        spots += [(*match.span(), mask) for match in regex.finditer(text)]
    spots.sort()
    parts, at = [], 0
    for start, end, mask in spots:
        if start < at:
            continue
        parts += [original[at:start], mask]
        at = end
        if mask == "@place":
            names.append(known[text[start:end]])
        elif mask == "@ride":
            names.append(("train", "TR" + text[start:end][-4:]))
        else:
            references.append("CQ-" + text[start:end][-5:].upper())
    return "".join((*parts, original[at:]))


def _anchors(text: str, names: list[tuple[str, str]]) -> list[tuple[int, int, str]]:
    """Return the start, end and kind of every place where the text names a kind of thing."""
    named = iter(names)
    found = [(*m.span(), next(named)[0]) for m in _NAMED.finditer(text)]
    found += [(*m.span(), "booking") for m in re.finditer("@ref", text)]
    for kind, pattern in _KINDS.items():
        found += [(*m.span(), kind) for m in pattern.finditer(text)]
    found += [(at, at + 1, "attraction") for at, _ in slot_values.sights(text)]
    return sorted(anchor for anchor in found if not slot_values.is_persona(text, anchor[0], anchor[1]))


def _cut(text: str, names: list[tuple[str, str]]) -> list[tuple[int, int, str | None]]:
    """Cut the text where it turns to another kind of thing; return the start, end and kind of the pieces."""
    pieces: list[tuple[int, int, str | None]] = []
    start, kind, last_end = 0, None, 0
    for at, end, anchor in _anchors(text, names):
        if kind is None:
            cut = _last_cut(text, 0, at, (_HARD_CUT, _SOFT_CUT))
            if cut and cut > start and text[start:cut].strip():
                pieces.append((start, cut, None))
                start = cut
            kind = anchor
        elif anchor != kind:
            booking = "booking" in (anchor, kind)
            cut = _last_cut(text, last_end, at, (_HARD_CUT, _SOFT_CUT) if booking else (_HARD_CUT, _SOFT_CUT, _AND))
            if cut:
                pieces.append((start, cut, kind))
                start, kind = cut, anchor
            elif kind == "booking":
                kind = anchor
        last_end = max(last_end, end)
    return [*pieces, (start, len(text), kind)]


def _last_cut(text: str, start: int, end: int, patterns: Sequence[re.Pattern[str]]) -> int | None:
    """Return the end of the last match of the first pattern that matches between two positions."""
    for pattern in patterns:
        cuts = [m.end() for m in pattern.finditer(text, start, end) if m.end() <= end]
        if cuts:
            return cuts[-1]
    return None


def _read_segment(text: str, masked: str, kind: str | None, names: list[str], references: list[str]) -> Segment:
    """Read one piece of an utterance.

    Args:
        text: The piece, in lower case and masked.
        masked: The same piece with its capitals.
        kind: The kind of thing it is about.
        names: Places and trains it names.
        references: References it names.
    """
    slots = read_slots(text, masked)
    intents = {name for name, pattern in _INTENTS.items() if pattern.search(text)}
    if "nobook" in intents:
        intents.discard("book")
    plain = _PRICED.sub(" ", _MINE.sub(" ", text))
    requests = [fact for fact, pattern in _REQUESTS.items() if pattern.search(plain)]
    for slot, pattern in _FEATURE_QUESTIONS.items():
        match = pattern.search(text)
        if match and not (match["vague"] and kind):
            requests.append(slot)
            slots.values.pop(slot, None)
    if "entry_fee" in requests and "price" in requests:
        requests.remove("price")
    if references and "reference" in requests:
        requests.remove("reference")
    requests = [fact for fact in requests if fact not in slots.dropped]
    if kind == "booking":
        kind = None
    return Segment(kind, text, slots, names, references, intents, requests)
