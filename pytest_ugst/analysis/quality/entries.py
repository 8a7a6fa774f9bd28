"""The conversations of simulators, with what was measured of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pytest_ugst.analysis.quality.diversity import SHORTEST, STABLE, diversity
from pytest_ugst.analysis.quality.ratings import Rating
from pytest_ugst.analysis.stats.means import Mean, Observation, mean
from pytest_ugst.analysis.success.leaderboard import EntryIndex, LeaderboardEntry
from pytest_ugst.analysis.success.systems import NO_DOMAIN
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode
from pytest_ugst.runs.run import StoredRun

F1, NATURALNESS, COHERENCE, MTLD, HDD = "f1", "naturalness", "coherence", "mtld", "hdd"
"""Names of the measures."""


@dataclass(frozen=True, slots=True)
class ConversationWithGoal:
    """A conversation and the goal that its user had."""

    benchmark: str
    goal_id: str
    goal_text: str
    conversation: Conversation

    @property
    def utterances(self) -> list[str]:
        """The user's utterances."""
        return [turn.user for turn in self.conversation.turns]


@dataclass(slots=True)
class QualityEntry:
    """A simulator with its conversations: one line of the table of quality."""

    label: str
    method: str = ""
    """The heading below which the line stands."""
    name: str = ""
    """The simulator's unique name in notes; the label unless given."""
    run: str = ""
    conversations: list[ConversationWithGoal] = field(default_factory=list)
    values: dict[str, list[float | None]] = field(default_factory=dict)
    """By measure, one value per conversation; a measure that was not taken is left out."""
    requested: dict[str, int] = field(default_factory=dict)
    """By measure, the number of conversations of which a model was asked for a value."""
    errors: dict[str, int] = field(default_factory=dict)
    """By measure, the number of those for which the model gave none."""
    short: int = 0
    """The number of conversations that are too short for the measures of diversity."""
    unstable: int = 0
    """The number of conversations that are too short for a stable MTLD."""

    def mean_of(self, measure: str) -> Mean:
        """Return the mean of a measure, with its interval over goals."""
        samples = zip(self.conversations, self.values[measure], strict=True)
        return mean(Observation(one.benchmark, one.goal_id, value) for one, value in samples)


def conversation_of(episode: Episode) -> ConversationWithGoal:
    """Return an episode's conversation with its goal."""
    goal = episode.goal
    return ConversationWithGoal(goal.domain or NO_DOMAIN, goal.id, goal.text, episode.conversation)


def quality_entries(leaderboard: Sequence[LeaderboardEntry], runs: Mapping[str, StoredRun]) -> list[QualityEntry]:
    """Read the conversations of each system, and measure their diversity.

    Args:
        leaderboard: The systems of the runs.
        runs: By the names that tell them apart.
    """
    entries = [QualityEntry(one.label, one.method, one.name, one.system.run) for one in leaderboard]
    index = EntryIndex(leaderboard)
    for name, run in runs.items():
        for episode in run.journal:
            entries[index.position(name, episode.setting)].conversations.append(conversation_of(episode))
    for entry in entries:
        measure_diversity(entry)
    return entries


def sample_positions(conversations: Sequence[ConversationWithGoal], at_most: int | None) -> list[int]:
    """Choose a sample of conversations: of as many goals as possible, and of the same goals for every simulator.

    Args:
        conversations: All conversations of a simulator.
        at_most: The size of the sample; None takes all.

    Returns:
        Positions in ``conversations``, in ascending order.
    """
    if at_most is None:
        return list(range(len(conversations)))
    before: Counter[tuple[str, str]] = Counter()
    order = []
    for position, one in enumerate(conversations):
        goal = (one.benchmark, one.goal_id)
        # Trials of a goal come one after the other; which goals come first is chance, and the same in every run.
        order.append((before[goal], sha256("\0".join(goal).encode()).digest(), position))
        before[goal] += 1
    return sorted(position for *_, position in sorted(order)[:at_most])


def measure_diversity(entry: QualityEntry) -> None:
    """Fill in the measures of diversity."""
    found = [diversity(one.utterances) for one in entry.conversations]
    entry.values |= {MTLD: [one.mtld for one in found], HDD: [one.hdd for one in found]}
    entry.short = sum(one.tokens < SHORTEST for one in found)
    entry.unstable = sum(one.mtld is not None and one.tokens < STABLE for one in found)


def measure_similarity(
    entries: Sequence[QualityEntry],
    score: Callable[[Sequence[tuple[str, Sequence[str]]]], Sequence[float | None]],
) -> None:
    """Fill in the similarity of utterances and goals, for all conversations at once.

    Args:
        entries: The simulators.
        score: Called with the goal's text and the utterances of each conversation; returns an F1 for each.
    """
    texts = [(one.goal_text, one.utterances) for entry in entries for one in entry.conversations]
    scores = iter(score(texts))
    for entry in entries:
        entry.values[F1] = [next(scores) for _ in entry.conversations]


def add_ratings(entry: QualityEntry, measure: str, ratings: Mapping[int, Rating]) -> None:
    """Fill in ratings by a model.

    Args:
        entry: The simulator.
        measure: :data:`NATURALNESS` or :data:`COHERENCE`.
        ratings: By the position of the conversation in the entry; others were not rated.
    """
    scores = {position: rating.score for position, rating in ratings.items()}
    entry.values[measure] = [scores.get(position) for position in range(len(entry.conversations))]
    entry.requested[measure] = len(ratings)
    entry.errors[measure] = sum(rating.error is not None for rating in ratings.values())
