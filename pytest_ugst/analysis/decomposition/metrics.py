"""Goal state generation: the match of sub-components that a model found with those that a person found.

After section 6.2 and Table 5 of "Goal Alignment in LLM-Based User Simulators for Conversational AI": a generated
sub-component that the person has too is a true positive, one that the person does not have a false positive, one that
is missing a false negative; categories are compared where sub-components match. The paper matched by hand. Here they
are matched one to one, so that the sum of the similarities of the pairs is the largest possible (the assignment
problem, by SciPy), and pairs below a threshold are dropped.
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
"""The word overlap from which two sub-components can be the same."""

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""A function from the texts of one goal's sub-components, gold and generated, to gold x generated similarities."""

_SAME_CATEGORY, _ANY = 1e-6, 1e-9  # these decide between assignments that are otherwise equally good


@dataclass(frozen=True, slots=True)
class MatchedPair:
    """A sub-component and the generated one that matches it."""

    gold: LabelledPart
    generated: LabelledPart
    similarity: float


@dataclass(frozen=True, slots=True)
class GoalMatch:
    """The sub-components of one goal, matched."""

    goal: str
    pairs: tuple[MatchedPair, ...]
    missed: tuple[LabelledPart, ...]
    """The gold sub-components without a match."""
    invented: tuple[LabelledPart, ...]
    """The generated sub-components without a match."""

    @property
    def scores(self) -> Scores:
        """The scores of this goal alone."""
        return _scores(
            len(self.pairs),
            len(self.missed),
            len(self.invented),
            sum(pair.gold.category is pair.generated.category for pair in self.pairs),
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores in percent; None where there is nothing to divide by."""

    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float | None
    """The share of matched pairs with the same category."""


@dataclass(slots=True)
class GenerationResult:
    """The matches of all goals."""

    goals: list[GoalMatch] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Goals for which nothing was generated, such as after an error; all their sub-components are missed."""

    def pooled(self) -> Scores:
        """Return the scores over all sub-components of all goals."""
        return _scores(
            sum(len(goal.pairs) for goal in self.goals),
            sum(len(goal.missed) for goal in self.goals),
            sum(len(goal.invented) for goal in self.goals),
            sum(pair.gold.category is pair.generated.category for goal in self.goals for pair in goal.pairs),
        )

    def mean(self) -> Scores:
        """Return the means over goals.

        The paper's F1 is not the harmonic mean of its P and R, so it averages in this way.
        """
        scores = [goal.scores for goal in self.goals]
        return Scores(
            _mean(s.precision for s in scores),
            _mean(s.recall for s in scores),
            _mean(s.f1 for s in scores),
            _mean(s.accuracy for s in scores),
        )

    def categories(self) -> Counter[tuple[Category, Category]]:
        """Count how often a sub-component of the first category was generated as one of the second."""
        return Counter((pair.gold.category, pair.generated.category) for goal in self.goals for pair in goal.pairs)


def compare(
    gold: Mapping[str, Sequence[LabelledPart]],
    generated: Mapping[str, Sequence[LabelledPart]],
    similarity: Similarity,
    threshold: float = THRESHOLD,
) -> GenerationResult:
    """Match the sub-components of every goal.

    Args:
        gold: Sub-components that should have been generated, by goal id.
        generated: Sub-components that were, by goal id; goals that are not in ``gold`` are left out.
        similarity: Compares texts.
        threshold: The similarity below which two sub-components don't match.

    Raises:
        UsageError: If SciPy is not installed, or no goal is in both.
    """
    if not gold.keys() & generated.keys():
        names = f"gold has {next(iter(gold), 'none')}, ..., generated are {next(iter(generated), 'none')}, ..."
        raise UsageError(f"no goal is in both ({names}); name files of the same goals")
    result = GenerationResult()
    for goal, wanted in gold.items():
        found = generated.get(goal, ())
        if not found:
            result.missing.append(goal)
        result.goals.append(match(goal, wanted, found, similarity, threshold))
    return result


def match(
    goal: str,
    gold: Sequence[LabelledPart],
    generated: Sequence[LabelledPart],
    similarity: Similarity,
    threshold: float = THRESHOLD,
) -> GoalMatch:
    """Match the sub-components of one goal.

    Raises:
        UsageError: If SciPy is not installed.
    """
    if not gold or not generated:
        return GoalMatch(goal, (), tuple(gold), tuple(generated))
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise UsageError(
            "SciPy is not installed, which matches sub-components; run pip install 'pytest-ugst[stats]'"
        ) from None
    values = similarity([part.text for part in gold], [part.text for part in generated])
    weights = [
        [
            value + _ANY + _SAME_CATEGORY * (one.category is other.category) if value >= threshold else 0.0
            for value, other in zip(row, generated, strict=True)
        ]
        for row, one in zip(values, gold, strict=True)
    ]
    pairs = []
    for i, j in zip(*linear_sum_assignment(weights, maximize=True), strict=True):
        if weights[i][j]:
            pairs.append((int(i), int(j)))
    matched_gold, matched_generated = {i for i, _ in pairs}, {j for _, j in pairs}
    return GoalMatch(
        goal,
        tuple(MatchedPair(gold[i], generated[j], float(values[i][j])) for i, j in pairs),
        tuple(part for i, part in enumerate(gold) if i not in matched_gold),
        tuple(part for j, part in enumerate(generated) if j not in matched_generated),
    )


def word_overlap(gold: Sequence[str], generated: Sequence[str]) -> list[list[float]]:
    """Compute the F1 over the words of all pairs of texts, from 0 to 1; repeated words count as often as they occur."""
    left, right = [_words(text) for text in gold], [_words(text) for text in generated]
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
