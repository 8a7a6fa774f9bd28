"""Lexical diversity of a user's utterances: MTLD and HD-D.

Both after McCarthy and Jarvis, "MTLD, vocd-D, and HD-D: A validation study of sophisticated approaches to lexical
diversity assessment", Behavior Research Methods 42, 2010. Words are counted as they are, in lower case; neither
lemmas nor stop words play a part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, lgamma

FACTOR = 0.72
"""The ratio of types to tokens below which a factor of MTLD is complete."""
DRAWN = 42
"""The number of tokens that HD-D draws."""
SHORTEST = DRAWN
"""The number of tokens below which a text has neither measure."""
STABLE = 100
"""The number of tokens below which MTLD depends much on a text's length (Koizumi, "Relationships Between Text
Length and Lexical Diversity Measures", Vocabulary Learning and Instruction 1, 2012)."""

_WORD = re.compile(r"[^\W_]+(?:['’.:@-][^\W_]+)*")
"""A word: letters and digits, with what joins them: don't, check-in, 10:30, a.b@c.org."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """The lexical diversity of one text, such as all utterances of the user of one conversation."""

    tokens: int
    types: int
    mtld: float | None
    """None for texts shorter than :data:`SHORTEST`, and for those in which no word occurs twice."""
    hdd: float | None
    """A number from 0 to 1; None for texts shorter than :data:`SHORTEST`."""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def diversity(utterances: Iterable[str]) -> Diversity:
    """Measure the diversity of several utterances, taken as one text."""
    tokens = [word for text in utterances for word in words(text)]
    enough = len(tokens) >= SHORTEST
    return Diversity(len(tokens), len(set(tokens)), mtld(tokens) if enough else None, hdd(tokens) if enough else None)


def mtld(tokens: Sequence[str]) -> float | None:
    """Compute the mean length of runs of tokens in which the ratio of types to tokens stays at 0.72 or above.

    The rest at the end counts as a part of a factor, ``(1 - ratio) / (1 - 0.72)``. The result is the mean of reading
    forwards and backwards.

    Args:
        tokens: In their order.

    Returns:
        The length in tokens; None if no token occurs twice, since there is no factor to divide by then.
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
    """Compute the expected ratio of types to tokens in a random sample of 42 tokens, drawn without replacement.

    For each type, the hypergeometric distribution gives the chance that it occurs in the sample at all; the sum over
    types is the expected number of types, and divided by 42 it is the ratio.

    Args:
        tokens: In any order.

    Returns:
        The ratio; None for fewer than 42 tokens, of which there is no such sample.
    """
    total = len(tokens)
    if total < DRAWN:
        return None
    # Types that occur equally often have equal chances.
    occurring = Counter(Counter(tokens).values())
    return sum(types * (1 - _none_drawn(total, often)) for often, types in occurring.items()) / DRAWN


def _none_drawn(total: int, often: int) -> float:
    """Return the chance C(total - often, 42) / C(total, 42) that a sample has none of a type's ``often`` tokens."""
    if total - often < DRAWN:
        return 0.0
    return exp(_log_choose(total - often) - _log_choose(total))


def _log_choose(n: int) -> float:
    return lgamma(n + 1) - lgamma(n - DRAWN + 1)
