"""Goal state generation: how well sub-components that a model has found fit those that a person has.

After section 6.2 and Table 5 of "Goal Alignment in LLM-Based User Simulators for Conversational AI": a generated
sub-component that the person has too is a true positive, one that the person does not have a false positive, one that
is missing a false negative; categories are compared where sub-components match. The paper matched by hand. Here they
are matched one to one, so that the similarity of the pairs is the largest possible in sum (the assignment problem, by
SciPy), and pairs below a threshold are none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.labels import LabelledPart
from pytest_ugst.core.status import Category

THRESHOLD = 0.5
"""Word overlap from which two sub-components can be the same."""

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""Gets the texts of one goal's sub-components, gold and generated; gives gold x generated similarities."""

_SAME_CATEGORY, _ANY = 1e-6, 1e-9  # what decides between assignments that are otherwise equally good


@dataclass(frozen=True, slots=True)
class Matched:
    """One pair."""

    gold: LabelledPart
    made: LabelledPart
    similarity: float


@dataclass(frozen=True, slots=True)
class GoalMatch:
    """One goal's sub-components, matched."""

    goal: str
    pairs: tuple[Matched, ...]
    missed: tuple[LabelledPart, ...]
    invented: tuple[LabelledPart, ...]

    @property
    def scores(self) -> Scores:
        """Of this goal alone."""
        return _scores(
            len(self.pairs),
            len(self.missed),
            len(self.invented),
            sum(pair.gold.category is pair.made.category for pair in self.pairs),
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """Percentages; None where there is nothing to divide by."""

    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float | None
    """Matched pairs with the same category."""


@dataclass(slots=True)
class Generation:
    """All goals."""

    goals: list[GoalMatch] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Goals for which nothing was generated, such as where the model failed; all their sub-components are missed."""

    def pooled(self) -> Scores:
        """Over all sub-components of all goals."""
        return _scores(
            sum(len(goal.pairs) for goal in self.goals),
            sum(len(goal.missed) for goal in self.goals),
            sum(len(goal.invented) for goal in self.goals),
            sum(pair.gold.category is pair.made.category for goal in self.goals for pair in goal.pairs),
        )

    def mean(self) -> Scores:
        """The means over goals. (The paper's F1 is no harmonic mean of its P and R, so it has averaged in this way.)"""
        scores = [goal.scores for goal in self.goals]
        return Scores(
            _mean(s.precision for s in scores),
            _mean(s.recall for s in scores),
            _mean(s.f1 for s in scores),
            _mean(s.accuracy for s in scores),
        )

    def categories(self) -> Counter[tuple[Category, Category]]:
        """How often a sub-component of the first category was generated as one of the second."""
        return Counter((pair.gold.category, pair.made.category) for goal in self.goals for pair in goal.pairs)


def compare(
    gold: Mapping[str, Sequence[LabelledPart]],
    made: Mapping[str, Sequence[LabelledPart]],
    similarity: Similarity,
    threshold: float = THRESHOLD,
) -> Generation:
    """Match the sub-components of every goal.

    Args:
        gold: By goal id, what should have been found.
        made: By goal id, what was. Goals that are not in ``gold`` are left out.
        similarity: Compares texts.
        threshold: Pairs less similar are none.

    Raises:
        UsageError: If SciPy is not installed, or no goal is in both.
    """
    if not gold.keys() & made.keys():
        names = f"gold has {next(iter(gold), 'none')}, ..., generated are {next(iter(made), 'none')}, ..."
        raise UsageError(f"no goal is in both ({names}); name files of the same goals")
    result = Generation()
    for goal, wanted in gold.items():
        found = made.get(goal, ())
        if not found:
            result.missing.append(goal)
        result.goals.append(match(goal, wanted, found, similarity, threshold))
    return result


def match(
    goal: str,
    gold: Sequence[LabelledPart],
    made: Sequence[LabelledPart],
    similarity: Similarity,
    threshold: float = THRESHOLD,
) -> GoalMatch:
    """Match the sub-components of one goal.

    Raises:
        UsageError: If SciPy is not installed.
    """
    if not gold or not made:
        return GoalMatch(goal, (), tuple(gold), tuple(made))
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise UsageError(
            "SciPy is not installed, which matches sub-components; run pip install 'pytest-ugst[stats]'"
        ) from None
    values = similarity([part.text for part in gold], [part.text for part in made])
    weights = [
        [
            value + _ANY + _SAME_CATEGORY * (one.category is other.category) if value >= threshold else 0.0
            for value, other in zip(row, made, strict=True)
        ]
        for row, one in zip(values, gold, strict=True)
    ]
    pairs = []
    for i, j in zip(*linear_sum_assignment(weights, maximize=True), strict=True):
        if weights[i][j]:
            pairs.append((int(i), int(j)))
    matched_gold, matched_made = {i for i, _ in pairs}, {j for _, j in pairs}
    return GoalMatch(
        goal,
        tuple(Matched(gold[i], made[j], float(values[i][j])) for i, j in pairs),
        tuple(part for i, part in enumerate(gold) if i not in matched_gold),
        tuple(part for j, part in enumerate(made) if j not in matched_made),
    )


def word_overlap(gold: Sequence[str], made: Sequence[str]) -> list[list[float]]:
    """F1 over the words of two texts, from 0 to 1; words that occur several times count as often."""
    left, right = [_words(text) for text in gold], [_words(text) for text in made]
    return [[_overlap(a, b) for b in right] for a in left]


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower()))


def _overlap(a: Counter[str], b: Counter[str]) -> float:
    common = (a & b).total()
    return 2 * common / (a.total() + b.total()) if common else 0.0


def _scores(right: int, missed: int, invented: int, same_category: int) -> Scores:
    return Scores(
        _percent(right, right + invented),
        _percent(right, right + missed),
        _percent(2 * right, 2 * right + missed + invented),
        _percent(same_category, right),
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
