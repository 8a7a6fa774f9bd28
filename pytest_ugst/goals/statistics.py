"""Statistics of a set of goals: numbers, lengths, variety of words, near-duplicates."""

from __future__ import annotations

import itertools
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pytest_ugst.core.goal import Goal
from pytest_ugst.core.status import Category

SHINGLE: Final = 3
"""Length in words of the pieces (shingles) by which texts are compared."""
ALIKE: Final = 0.6
"""The Jaccard similarity of their shingles from which two texts are near-duplicates."""
WINDOW: Final = 500
"""Length in words of the windows in which the type-token ratio is taken."""
KINDS: Final = ("normal", "impossible", "conditional", "branch-taken", "branch-not-taken")

_WORD = re.compile(r"[^\W_]+(?:['’:.-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths in words."""

    least: int
    median: float
    mean: float
    most: int


@dataclass(frozen=True, slots=True)
class GoalStats:
    """Statistics of a set of goals."""

    goals: int
    components: dict[str, int]
    """Sub-components by category."""
    checked: dict[str, int]
    """Sub-components that carry a check, by category."""
    kinds: dict[str, int]
    """Goals by kind, going by their tags."""
    domains: dict[str, int]
    """Goals by domain."""
    about: dict[str, int]
    """Objectives by the kind of thing they are about, going by their slots."""
    objectives_per_goal: dict[str, int]
    """Goals by number of objectives."""
    words: Lengths | None
    """Lengths of the goals' texts."""
    vocabulary: int
    """Different words in all texts, without regard to case."""
    distinct_1: float
    """Different words by all words (Li et al. 2016, "A Diversity-Promoting Objective Function"). Falls with size."""
    distinct_2: float
    """The same for pairs of words in a row."""
    windowed_ttr: float
    """Mean type-token ratio of windows of 500 words (all words at once where there are fewer): does not fall with
    size."""
    near_duplicates: int
    """Goals whose text has a similarity of at least 0.6 with an earlier one's: Jaccard, of runs of three words."""
    near_duplicate_rate: float

    def as_dict(self) -> dict[str, Any]:
        """Return the statistics as plain data."""
        return asdict(self)


def goal_stats(goals: Iterable[Goal]) -> GoalStats:
    """Count, measure and compare goals."""
    goals = list(goals)
    components = [c for goal in goals for c in goal.components or ()]
    objectives = [sum(c.category is Category.OBJECTIVE for c in goal.components or ()) for goal in goals]
    texts = [_words(goal.text) for goal in goals]
    tokens = [word for text in texts for word in text]
    pairs = [pair for text in texts for pair in itertools.pairwise(text)]
    alike = near_duplicates(texts)
    return GoalStats(
        goals=len(goals),
        components={str(c): sum(one.category is c for one in components) for c in Category},
        checked={str(c): sum(one.category is c and one.check is not None for one in components) for c in Category},
        kinds={kind: sum(kind in goal.tags for goal in goals) for kind in KINDS},
        domains=dict(sorted(Counter(goal.domain or "none" for goal in goals).items())),
        about=dict(
            sorted(
                Counter(str(c.slots.get("kind", "?")) for c in components if c.category is Category.OBJECTIVE).items()
            )
        ),
        objectives_per_goal={str(count): number for count, number in sorted(Counter(objectives).items())},
        words=_lengths([len(text) for text in texts]),
        vocabulary=len(set(tokens)),
        distinct_1=_share(len(set(tokens)), len(tokens)),
        distinct_2=_share(len(set(pairs)), len(pairs)),
        windowed_ttr=_windowed(tokens),
        near_duplicates=len(alike),
        near_duplicate_rate=_share(len(alike), len(goals)),
    )


def near_duplicates(texts: Sequence[Sequence[str]], alike: float = ALIKE) -> list[int]:
    """Return the indices of the texts that are nearly the same as an earlier one.

    The result is exact, without comparing all pairs: two sets that are alike share one of their rarest members (prefix
    filtering, Bayardo et al. 2007, "Scaling Up All Pairs Similarity Search").

    Args:
        texts: The texts, each as a sequence of words.
        alike: The least Jaccard similarity of near-duplicates, above 0 and up to 1.
    """
    sets = [{tuple(text[i : i + SHINGLE]) for i in range(max(1, len(text) - SHINGLE + 1))} for text in texts]
    often = Counter(piece for pieces in sets for piece in pieces)
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    found = []
    for number, pieces in enumerate(sets):
        ordered = sorted(pieces, key=lambda piece: (often[piece], piece))
        rarest = ordered[: len(ordered) - math.ceil(alike * len(ordered)) + 1]
        others = {other for piece in rarest for other in index[piece]}
        if any(len(pieces & sets[o]) >= alike * len(pieces | sets[o]) for o in others):
            found.append(number)
        for piece in rarest:
            index[piece].append(number)
    return found


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _lengths(lengths: Sequence[int]) -> Lengths | None:
    if not lengths:
        return None
    mean = round(statistics.fmean(lengths), 1)
    return Lengths(min(lengths), float(statistics.median(lengths)), mean, max(lengths))


def _windowed(tokens: Sequence[str]) -> float:
    windows = [tokens[i : i + WINDOW] for i in range(0, len(tokens) - WINDOW + 1, WINDOW)] or [tokens]
    return round(statistics.fmean(_share(len(set(window)), len(window)) for window in windows), 4)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
