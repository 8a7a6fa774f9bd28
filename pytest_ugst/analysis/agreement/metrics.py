"""Agreement between annotators of goal states: people, judges or checks.

- The proportion of equal statuses, per category and averaged, as in the paper's Table 4. An annotator's error is no
  match and is counted separately; units that one of two did not label are not compared.
- Cohen's kappa (Cohen, "A coefficient of agreement for nominal scales", 1960), for two.
- Krippendorff's alpha for nominal data (Krippendorff, "Content Analysis", 3rd edition, 2013, chapter 12), for two or
  more, with missing values. The ``krippendorff`` package computes the same; it is under the GPL, which this project
  can't depend on.

In both coefficients an error is a missing value, since it does not tell which status was meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pytest_ugst.analysis.agreement.disagreement import judged_and_checked
from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.labels import ERROR, Label, StateLabels, conversation_digest, labelled_parts, state_labels
from pytest_ugst.core.status import Category, first_status
from pytest_ugst.runs.outcome import Count, Tally

if TYPE_CHECKING:
    from pytest_ugst.judges.checks import ChecksJudge

H = TypeVar("H", bound=Hashable)


class Unit(NamedTuple):
    """A unit that is labelled: one sub-component after one turn of one conversation."""

    conversation: str
    turn: int
    component: str
    category: Category


Annotation = Mapping[Unit, Label]
"""All labels of one annotator."""


@dataclass(slots=True)
class Annotators:
    """Several annotators of the same conversations."""

    annotations: dict[str, dict[Unit, Label]] = field(default_factory=dict)
    """Labels by annotator."""
    conversations: int = 0
    """The number of conversations that at least two annotated."""
    unshared: dict[str, int] = field(default_factory=dict)
    """By annotator, the number of conversations that nobody else has annotated; they are left out."""
    final: bool = False
    """Whether only the goal states at the end are compared."""


def combine_labels(records: Iterable[tuple[str, StateLabels]], *, final: bool = False) -> Annotators:
    """Combine the labels of several annotators of the same conversations.

    Args:
        records: Annotators' names with labels; one record per conversation and annotator.
        final: Compare the last turn's goal states only.

    Raises:
        UsageError: If fewer than two annotators are there, if one has labelled a conversation twice, if annotators mean
            different conversations or sub-components by the same names, or if no two share a conversation.
    """
    by_conversation: dict[str, dict[str, StateLabels]] = {}
    names: dict[str, None] = {}
    for annotator, labels in records:
        names[annotator] = None
        same = by_conversation.setdefault(labels.id, {})
        if annotator in same:
            raise UsageError(
                f"{annotator} has labelled the conversation {labels.id!r} twice; keep one of the two records"
            )
        for other, theirs in same.items():
            _require_same(annotator, labels, other, theirs)
        same[annotator] = labels
    if len(names) < 2:
        only = next(iter(names), "nobody")
        raise UsageError(
            f"agreement takes two annotators, and there is only {only}; name another run or file of labels"
        )
    shared = {name: same for name, same in by_conversation.items() if len(same) > 1}
    if not shared:
        example = {annotator: name for name, same in by_conversation.items() for annotator in same}
        examples = ", ".join(f"{annotator}: {name}" for annotator, name in list(example.items())[:3])
        raise UsageError(
            f"no conversation was annotated by two ({examples}, ...); name labels of the same conversations"
        )
    together = Annotators({name: {} for name in names}, len(shared), dict.fromkeys(names, 0), final)
    for name, same in by_conversation.items():
        if name not in shared:
            together.unshared[next(iter(same))] += 1
            continue
        last = max((states.turn for labels in same.values() for states in labels.labels), default=0)
        for annotator, labels in same.items():
            together.annotations[annotator] |= _units(labels, last if final else None)
    if not any(a.keys() & b.keys() for a, b in combinations(together.annotations.values(), 2)):
        where = " of the last turn" if final else ""
        raise UsageError(f"no two annotators have a label{where} in common; name work that is further along")
    return together


def _require_same(annotator: str, labels: StateLabels, other: str, theirs: StateLabels) -> None:
    if labels.digest and theirs.digest and labels.digest != theirs.digest:
        raise UsageError(
            f"{annotator} and {other} have labelled different conversations that are both called {labels.id!r}; "
            "name labels of the same run"
        )
    mine = {part.id: (part.category, part.text) for part in labels.components}
    other_parts = {part.id: (part.category, part.text) for part in theirs.components}
    if mine != other_parts:
        odd = sorted(name for name in mine.keys() | other_parts.keys() if mine.get(name) != other_parts.get(name))[0]
        raise UsageError(
            f"{labels.id}: {annotator} and {other} do not mean the same by the sub-component {odd!r}; agreement takes "
            "goals that were decomposed in the same way"
        )


def _units(labels: StateLabels, only: int | None) -> dict[Unit, Label]:
    category = {part.id: part.category for part in labels.components}
    return {
        Unit(labels.id, states.turn, name, category[name]): label
        for states in labels.labels
        if only is None or states.turn == only
        for name, label in states.status.items()
    }


def second_opinion(episode: Episode, checks: ChecksJudge) -> StateLabels | None:
    """Label an episode by the checks that stand beside the judge, after every turn.

    Args:
        episode: An episode with a model as judge.
        checks: Evaluates the checks.

    Returns:
        Labels of the sub-components that both judge and check give a status; None if there are none.
    """
    beside = judged_and_checked(episode)
    if not beside:
        return None
    conversation = episode.conversation
    last = len(conversation.turns)
    verdicts = checks.judge_whole(beside, conversation)
    states = [GoalState.fold(beside, verdicts, turn) for turn in range(1, last)]
    states.append(GoalState.fold(beside, verdicts, last, episode.broken_off))
    return StateLabels(
        id=episode.id,
        annotator=CHECKS,
        digest=conversation_digest(conversation),
        components=labelled_parts(episode.components),
        labels=tuple(map(state_labels, states)) if last else (),
    )


def matches(a: Annotation, b: Annotation) -> list[Tally]:
    """Count equal statuses, one tally per conversation, so that rates and intervals are computed as for success.

    A unit with an error of either annotator is counted, but is no match.
    """
    counts: dict[str, dict[Category, Count]] = {}
    for unit in a.keys() & b.keys():
        old = counts.setdefault(unit.conversation, {}).get(unit.category, Count())
        error = ERROR in (a[unit], b[unit])
        counts[unit.conversation][unit.category] = Count(
            old.total + 1, old.successes + (not error and a[unit] == b[unit]), old.errors + error
        )
    return [Tally(goal=name, counts=found) for name, found in sorted(counts.items())]


def baseline_matches(a: Annotation, b: Annotation) -> list[Tally]:
    """Count matches of ``a`` with an annotator who never changes a status, for the units that ``b`` has labelled too.

    Most statuses never change, so that agreement means little unless it is compared with this baseline.
    """
    unchanged = {unit: first_status(unit.category) for unit in a.keys() & b.keys()}
    return matches(a, unchanged)


def confusion(a: Annotation, b: Annotation) -> dict[Category, Counter[tuple[Label, Label]]]:
    """Count how often ``a`` gave one label and ``b`` another, errors included, by category."""
    pairs: dict[Category, Counter[tuple[Label, Label]]] = {category: Counter() for category in Category}
    for unit in a.keys() & b.keys():
        pairs[unit.category][a[unit], b[unit]] += 1
    return {category: counted for category, counted in pairs.items() if counted}


def by_status(pairs: Counter[tuple[Label, Label]]) -> float | None:
    """Compute the mean, over the statuses that the first gave, of the percentage in which the second gave the same.

    Rare statuses count as much as common ones.
    """
    given = {status for status, _ in pairs if status != ERROR}
    if not given:
        return None
    shares = [pairs[s, s] / sum(count for (first, _), count in pairs.items() if first == s) for s in sorted(given)]
    return 100 * sum(shares) / len(shares)


def cohen_kappa(pairs: Mapping[tuple[H, H], int]) -> float | None:
    """Compute Cohen's kappa, the agreement of two annotators beyond chance.

    ``(p_o - p_e) / (1 - p_e)``, with the observed share of equal labels and the one expected if both kept to their own
    shares of labels but gave them at random.

    Args:
        pairs: The number of times that the first gave one label and the second another, without missing values.

    Returns:
        A number up to 1; None without data, and if both gave one and the same label throughout: then agreement can't
        be told from chance.
    """
    total = sum(pairs.values())
    if not total:
        return None
    first, second = Counter[H](), Counter[H]()
    for (a, b), count in pairs.items():
        first[a] += count
        second[b] += count
    observed = sum(count for (a, b), count in pairs.items() if a == b)
    expected = sum(count * second[label] for label, count in first.items())  # times total squared
    if expected == total * total:
        return None
    return (total * observed - expected) / (total * total - expected)


def krippendorff_alpha(units: Iterable[Sequence[H]]) -> float | None:
    """Compute Krippendorff's alpha, the agreement of any number of annotators beyond chance, for nominal labels.

    ``1 - D_o / D_e``: each unit with m values contributes its ordered pairs of values with weight 1 / (m - 1) to the
    coincidences, from which the observed and the expected disagreement are counted. Units with fewer than two values
    contribute nothing.

    Args:
        units: The values that were given to each unit.

    Returns:
        A number up to 1; None if no unit has two values, or all values are the same.
    """
    totals = Counter[H]()
    differing = 0.0
    for values in units:
        m = len(values)
        if m < 2:
            continue
        counted = Counter(values)
        totals.update(counted)
        differing += sum(count * (m - count) for count in counted.values()) / (m - 1)
    n = sum(totals.values())
    expected = n * n - sum(count * count for count in totals.values())  # times n - 1
    return 1 - (n - 1) * differing / expected if expected else None


def kappa_of(a: Annotation, b: Annotation, category: Category | None = None) -> float | None:
    """Compute Cohen's kappa of two annotators, in one category or in all; errors are missing values."""
    pairs = Counter(
        (a[unit], b[unit])
        for unit in a.keys() & b.keys()
        if category in (None, unit.category) and ERROR not in (a[unit], b[unit])
    )
    return cohen_kappa(pairs)


def alpha_of(annotations: Iterable[Annotation], category: Category | None = None) -> float | None:
    """Compute Krippendorff's alpha of all annotators, in one category or in all; errors are missing values."""
    values: dict[Unit, list[Label]] = {}
    for annotation in annotations:
        for unit, label in annotation.items():
            if label != ERROR and category in (None, unit.category):
                values.setdefault(unit, []).append(label)
    return krippendorff_alpha(values.values())
