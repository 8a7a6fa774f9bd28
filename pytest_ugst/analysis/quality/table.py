"""How users speak: similarity with the goal, naturalness, coherence and diversity as the paper's Table 6 has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pytest_ugst.analysis.quality.diversity import SHORTEST, STABLE, diversity
from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE
from pytest_ugst.analysis.stats.means import Mean, Observation, mean
from pytest_ugst.analysis.success.leaderboard import EntryIndex, LeaderboardEntry, goal_differences
from pytest_ugst.analysis.success.systems import NO_DOMAIN
from pytest_ugst.analysis.tables import Cell, Column, Line, Mark, Table, rank_marks
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode
from pytest_ugst.runs.run import Run

F1, NATURALNESS, COHERENCE, MTLD, HDD = "f1", "naturalness", "coherence", "mtld", "hdd"
COLUMNS: Mapping[str, tuple[str, int]] = {
    F1: ("F1", 3),
    NATURALNESS: ("N", 2),
    COHERENCE: ("C", 2),
    MTLD: ("MTLD", 1),
    HDD: ("HD-D", 3),
}
"""By name, heading and decimals, in the paper's order."""


@dataclass(frozen=True, slots=True)
class UserTexts:
    """One conversation, with what its user was after."""

    benchmark: str
    goal: str
    """The goal's id."""
    text: str
    """The goal's text."""
    conversation: Conversation

    @property
    def utterances(self) -> list[str]:
        """What the user said."""
        return [turn.user for turn in self.conversation.turns]


@dataclass(slots=True)
class Speaker:
    """One line of the table: a simulator and its conversations."""

    label: str
    method: str = ""
    """Below whose name it stands."""
    name: str = ""
    """In notes, unlike any other's; the label unless given."""
    run: str = ""
    spoken: list[UserTexts] = field(default_factory=list)
    values: dict[str, list[float | None]] = field(default_factory=dict)
    """By column, one value per conversation; a column that was not measured is left out."""
    asked: dict[str, int] = field(default_factory=dict)
    """By column, of how many conversations a model was asked for a value."""
    errors: dict[str, int] = field(default_factory=dict)
    """By column, how many of those it failed to give."""
    short: int = 0
    """Conversations too short for the measures of diversity."""
    unstable: int = 0
    """Conversations that are short for MTLD."""

    def measured(self, column: str) -> Mean:
        """The mean of a column."""
        samples = zip(self.spoken, self.values[column], strict=True)
        return mean(Observation(one.benchmark, one.goal, value) for one, value in samples)


def spoken(episode: Episode) -> UserTexts:
    """An episode's conversation."""
    return UserTexts(episode.goal.domain or NO_DOMAIN, episode.goal.id, episode.goal.text, episode.conversation)


def speakers(contenders: Sequence[LeaderboardEntry], runs: Mapping[str, Run]) -> list[Speaker]:
    """The conversations of each contender, with their diversity measured.

    Args:
        contenders: Of the runs.
        runs: By the names that tell them apart.
    """
    made = [Speaker(one.label, one.method, one.name, one.system.run) for one in contenders]
    owners = EntryIndex(contenders)
    for name, run in runs.items():
        for episode in run.journal:
            made[owners.position(name, episode.setting)].spoken.append(spoken(episode))
    for speaker in made:
        measure_diversity(speaker)
    return made


def sampled(spoken: Sequence[UserTexts], at_most: int | None) -> list[int]:
    """Where the conversations of a sample are: of as many goals as can be, and of the same ones whoever speaks.

    Args:
        spoken: All conversations.
        at_most: How many; all, if None.
    """
    if at_most is None:
        return list(range(len(spoken)))
    before: Counter[tuple[str, str]] = Counter()
    order = []
    for number, one in enumerate(spoken):
        goal = (one.benchmark, one.goal)
        # Trials of a goal come one after the other; which goals come first is chance, and the same in every run.
        order.append((before[goal], sha256("\0".join(goal).encode()).digest(), number))
        before[goal] += 1
    return sorted(number for *_, number in sorted(order)[:at_most])


def measure_diversity(speaker: Speaker) -> None:
    """Fill in the columns of diversity."""
    found = [diversity(one.utterances) for one in speaker.spoken]
    speaker.values |= {MTLD: [one.mtld for one in found], HDD: [one.hdd for one in found]}
    speaker.short = sum(one.tokens < SHORTEST for one in found)
    speaker.unstable = sum(one.mtld is not None and one.tokens < STABLE for one in found)


def measure_similarity(
    speakers: Sequence[Speaker],
    score: Callable[[Sequence[tuple[str, Sequence[str]]]], Sequence[float | None]],
) -> None:
    """Fill in the column of similarity, all conversations at once.

    Args:
        speakers: Whose conversations.
        score: Gets goals and utterances, gives F1.
    """
    scores = iter(score([(one.text, one.utterances) for speaker in speakers for one in speaker.spoken]))
    for speaker in speakers:
        speaker.values[F1] = [next(scores) for _ in speaker.spoken]


def quality_table(speakers: Sequence[Speaker]) -> Table:
    """The table: a line per simulator, grouped by method, best and second best marked.

    Args:
        speakers: At least one, those of a method side by side.
    """
    means = {name: [one.measured(name) if name in one.values else Mean() for one in speakers] for name in COLUMNS}
    marks = {
        name: rank_marks([None if m.value is None else round(m.value, COLUMNS[name][1]) for m in column])
        for name, column in means.items()
    }
    columns = [Column("simulator", "simulator")]
    columns += [Column(name, heading) for name, (heading, _) in COLUMNS.items()]
    columns += [Column("conversations", "conv."), Column("errors", "err."), Column("run", None)]
    lines = []
    for number, speaker in enumerate(speakers):
        cells = [Cell(speaker.label)]
        cells += [_cell(name, means[name][number], marks[name][number], speaker) for name in COLUMNS]
        cells += [Cell(len(speaker.spoken)), Cell(sum(speaker.errors.values())), Cell(speaker.run)]
        lines.append(Line(tuple(cells), speaker.method))
    return Table(tuple(columns), tuple(lines), notes=tuple(_notes(speakers)))


def _cell(name: str, value: Mean, mark: Mark | None, speaker: Speaker) -> Cell:
    decimals = COLUMNS[name][1]
    more = {"low": value.low, "high": value.high, "n": value.n, "missing": value.missing}
    more["errors"] = speaker.errors.get(name, 0)
    if value.value is None:
        return Cell(more=more)
    aside = ""
    if value.low is not None and value.high is not None:
        aside = f"{value.low:.{decimals}f}–{value.high:.{decimals}f}"
    return Cell(value.value, f"{value.value:.{decimals}f}", aside, mark, more)


def _notes(speakers: Sequence[Speaker]) -> list[str]:
    several = any(len({one.benchmark for one in speaker.spoken}) > 1 for speaker in speakers)
    over = "benchmarks, each the mean over its conversations" if several else "conversations"
    told = [f"means over {over}, with {CONFIDENCE:g}% intervals bootstrapped over goals"]
    told += goal_differences([(s.name or s.label, {(one.benchmark, one.goal) for one in s.spoken}) for s in speakers])
    for speaker in speakers:
        about = f"{speaker.name or speaker.label}: " if len(speakers) > 1 else ""
        total = len(speaker.spoken)
        if speaker.short:
            told.append(
                f"{about}{speaker.short} of {total} conversations have under {SHORTEST} words: no MTLD and HD-D"
            )
        if speaker.unstable:
            told.append(f"{about}{speaker.unstable} of {total} have under {STABLE} words, where MTLD is unstable")
        for column, errors in speaker.errors.items():
            if errors:
                told.append(f"{about}{errors} of {speaker.asked[column]} ratings of {column} failed and are in no mean")
    return told
