"""How names are found, and how they are written: the data has them in lower case."""

from __future__ import annotations

import re
from functools import lru_cache

UNKNOWN = "unknown"
"""What stands for the ``?`` of the data, and for what a record lacks."""

_SMALL = frozenset({"a", "an", "and", "at", "by", "du", "for", "in", "of", "off", "on", "the", "to"})
_CAPITALS = frozenset({"adc", "hk", "b", "j", "uk"})
_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
_STATION = re.compile(r"\b(?:train|railway|rail|station)\b")


@lru_cache(maxsize=4_096)
def proper(text: str) -> str:
    """Capital letters as names have them: ``the oak bistro`` is ``The Oak Bistro``."""

    def write(match: re.Match[str]) -> str:
        word = match[0]
        if word in _CAPITALS:
            return word.upper()
        if word in _SMALL and match.start() > 0:
            return word
        return word[:1].upper() + word[1:]

    return _WORD.sub(write, " ".join(text.split()))


@lru_cache(maxsize=4_096)
def key(name: str) -> str:
    """How a name is looked up: no regard to case, blanks, apostrophes, ``&``, or a leading "the"."""
    text = name.lower().replace("&", " and ").replace("’", "").replace("'", "")
    return re.sub(r"^(?:the )+", "", " ".join(re.sub(r"[^\w\s]", " ", text).split()))


def postcode(text: str) -> str:
    """``cb21ab`` is ``CB2 1AB``."""
    packed = text.replace(" ", "").upper()
    return f"{packed[:-3]} {packed[-3:]}" if 5 <= len(packed) <= 7 else text


def station_words(text: str) -> frozenset[str]:
    """The words a station is found by."""
    return frozenset(_STATION.sub(" ", key(text)).split())
