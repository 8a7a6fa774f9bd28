"""Normal forms of names for look-up and for output: the data has names in lower case."""

from __future__ import annotations

import re
from functools import lru_cache

UNKNOWN = "unknown"
"""The value that stands for the ``?`` of the data, and for a field that a record lacks."""

_SMALL = frozenset({"a", "an", "and", "at", "by", "du", "for", "in", "of", "off", "on", "the", "to"})
_CAPITALS = frozenset({"adc", "hk", "b", "j", "uk"})
_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
_STATION = re.compile(r"\b(?:train|railway|rail|station)\b")


@lru_cache(maxsize=4_096)
def proper(text: str) -> str:
    """Return a name with its capital letters: ``the oak bistro`` is ``The Oak Bistro``."""

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
    """Return the key that a name is looked up by.

    Case, blanks, apostrophes, ``&`` for "and", and a leading "the" make no difference.
    """
    text = name.lower().replace("&", " and ").replace("’", "").replace("'", "")
    return re.sub(r"^(?:the )+", "", " ".join(re.sub(r"[^\w\s]", " ", text).split()))


def postcode(text: str) -> str:
    """Return a postcode in its usual form: ``cb21ab`` is ``CB2 1AB``."""
    packed = text.replace(" ", "").upper()
    return f"{packed[:-3]} {packed[-3:]}" if 5 <= len(packed) <= 7 else text


def station_words(text: str) -> frozenset[str]:
    """Return the words by which a station is found."""
    return frozenset(_STATION.sub(" ", key(text)).split())
