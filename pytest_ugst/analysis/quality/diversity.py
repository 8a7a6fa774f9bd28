"""Lexical diversity of what a user said: MTLD and HD-D.

Both after McCarthy and Jarvis, "MTLD, vocd-D, and HD-D: A validation study of sophisticated approaches to lexical
diversity assessment", Behavior Research Methods 42, 2010. Words are counted as they stand, in small letters; neither
lemmas nor stop words play a part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, lgamma

FACTOR = 0.72
"""A factor of MTLD is complete when the ratio of types to tokens falls below this."""
DRAWN = 42
"""Tokens that HD-D draws."""
SHORTEST = DRAWN
"""Texts of fewer tokens have neither measure."""
STABLE = 100
"""MTLD of shorter texts depends much on their length (Koizumi, "Relationships Between Text Length and Lexical Diversity
Measures", Vocabulary Learning and Instruction 1, 2012)."""

_WORD = re.compile(r"[^\W_]+(?:['’.:@-][^\W_]+)*")
"""Letters and digits, with what joins them: don't, check-in, 10:30, a.b@c.org."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of one text, such as all that the user of one conversation said."""

    tokens: int
    types: int
    mtld: float | None
    """None for texts shorter than :data:`SHORTEST`, and for those in which no word occurs twice."""
    hdd: float | None
    """From 0 to 1; None for texts shorter than :data:`SHORTEST`."""


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def diversity(utterances: Iterable[str]) -> Diversity:
    """Of several utterances, taken as one text."""
    tokens = [word for text in utterances for word in words(text)]
    enough = len(tokens) >= SHORTEST
    return Diversity(len(tokens), len(set(tokens)), mtld(tokens) if enough else None, hdd(tokens) if enough else None)


def mtld(tokens: Sequence[str]) -> float | None:
    """The mean length of runs of tokens in which the ratio of types to tokens stays at 0.72 or above.

    What is left at the end counts as the part of a factor that ``(1 - ratio) / (1 - 0.72)`` says. The result is the
    mean of reading forwards and backwards.

    Args:
        tokens: In their order.

    Returns:
        None where no token occurs twice: then there is no factor to divide by.
    """
    passes = [_factors(tokens), _factors(list(reversed(tokens)))]
    if not all(passes):
        return None
    return sum(len(tokens) / factors for factors in passes) / 2


def _factors(tokens: Sequence[str]) -> float:
    factors, seen, length = 0.0, set[str](), 0
    for token in tokens:
        seen.add(token)
        length += 1
        if len(seen) / length < FACTOR:
            factors += 1
            seen.clear()
            length = 0
    if length:
        factors += (1 - len(seen) / length) / (1 - FACTOR)
    return factors


def hdd(tokens: Sequence[str]) -> float | None:
    """The expected ratio of types to tokens in a random sample of 42 tokens, drawn without replacement.

    For each type, the hypergeometric distribution gives the chance that it occurs in the sample at all; the sum over
    types is the expected number of types, and divided by 42 it is the ratio.

    Args:
        tokens: In any order.

    Returns:
        None for fewer than 42 tokens: they hold no such sample.
    """
    total = len(tokens)
    if total < DRAWN:
        return None
    # Types that occur equally often have equal chances.
    occurring = Counter(Counter(tokens).values())
    return sum(types * (1 - _none_drawn(total, often)) for often, types in occurring.items()) / DRAWN


def _none_drawn(total: int, often: int) -> float:
    """The chance that a sample holds none of the ``often`` tokens of a type: C(total - often, 42) / C(total, 42)."""
    if total - often < DRAWN:
        return 0.0
    return exp(_log_choose(total - often) - _log_choose(total))


def _log_choose(n: int) -> float:
    return lgamma(n + 1) - lgamma(n - DRAWN + 1)
