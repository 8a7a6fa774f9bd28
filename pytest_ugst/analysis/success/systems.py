"""Entrants: what one line of a table is about, one simulator as one run has played it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ugst.analysis.success.goal_digest import GoalDigest, parts_digest, text_digest
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.outcome import EpisodeOutcome, Tally, episode_outcome

NO_DOMAIN = "no domain"
_WORDS = {
    "agent": "agent",
    "judge": "judge",
    "decomposer": "decomposer",
    "prompts": "prompts",
    "judge_sees_tools": "tools shown to the judge",
    "tool_rounds": "tool rounds",
    "seed": "seed",
}
"""What may differ between two settings of the same simulator, in a reader's words."""


@dataclass(slots=True)
class BenchmarkOutcomes:
    """The episodes of one benchmark, counted."""

    outcomes: list[EpisodeOutcome] = field(default_factory=list)
    goals: dict[str, GoalDigest] = field(default_factory=dict)
    """By goal id."""


@dataclass(slots=True)
class EvaluatedSystem:
    """One simulator as one run has played it, under one setting: small, whatever the episodes hold."""

    run: str
    """The run's name; those of several runs with ``+`` between them, where they are parts of one evaluation."""
    setting: EpisodeConfig
    benchmarks: dict[str, BenchmarkOutcomes] = field(default_factory=dict)
    """By the goals' domain."""
    usage: dict[str, Usage] = field(default_factory=dict)
    """By role."""
    data: dict[str, str] = field(default_factory=dict)
    """By domain, a digest of its data, where it is known."""
    joined: bool = False
    """Whether it is of several runs."""

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        played = self.benchmarks.setdefault(episode.goal.domain or NO_DOMAIN, BenchmarkOutcomes())
        played.outcomes.append(episode_outcome(episode))
        if episode.goal.id not in played.goals:
            played.goals[episode.goal.id] = _asked(episode)
        self.usage = add_usage((self.usage, episode.usage))

    def join(self, other: EvaluatedSystem) -> None:
        """Take over what was played in another run, under the same setting, of other benchmarks."""
        self.run, self.joined = f"{self.run} + {other.run}", True
        self.benchmarks |= other.benchmarks
        self.data |= {name: digest for name, digest in other.data.items() if name in other.benchmarks}
        self.usage = add_usage((self.usage, other.usage))

    def tallies(self) -> list[Tally]:
        """Of all benchmarks together."""
        return across((name, one) for name, played in self.benchmarks.items() for one in played.outcomes)


def _asked(episode: Episode) -> GoalDigest:
    return GoalDigest(text_digest(episode.goal), parts_digest(episode.goal), episode.max_turns)


def add_usage(parts: Iterable[Mapping[str, Usage]]) -> dict[str, Usage]:
    """Usage by role, summed over episodes."""
    total: dict[str, Usage] = {}
    for part in parts:
        for role, usage in part.items():
            total[role] = total.get(role, Usage()) + usage
    return total


def evaluated_systems(run: str, episodes: Iterable[Episode]) -> list[EvaluatedSystem]:
    """The entrants of a run, in the order of their first episodes.

    Args:
        run: The run's name.
        episodes: One at a time: none is kept.
    """
    found: dict[str, EvaluatedSystem] = {}
    for episode in episodes:
        key = episode.setting.model_dump_json()
        if key not in found:
            found[key] = EvaluatedSystem(run, episode.setting)
        found[key].add(episode)
    return list(found.values())


def across(outcomes: Iterable[tuple[str, EpisodeOutcome]]) -> list[Tally]:
    """The tallies of several benchmarks, whose goals may be called the same.

    Args:
        outcomes: With their benchmarks' names.
    """
    return [one.tally.model_copy(update={"goal": f"{name}/{one.tally.goal}"}) for name, one in outcomes]


def label(setting: EpisodeConfig, *, steered: bool = True) -> str:
    """A simulator with how it was prompted.

    Args:
        setting: What it was played with.
        steered: Name the steering as well.
    """
    how = [f"steered by {setting.steer}"] if steered and setting.steer != "none" else []
    how += ["thinking"] if setting.reasoning else []
    return f"{setting.simulator} ({', '.join(how)})" if how else setting.simulator


def labels(settings: Sequence[EpisodeConfig], *, steered: bool = True) -> list[str]:
    """A label for each; what would be called the same is told apart by what else differs.

    Args:
        settings: May hold the same setting twice; those stay called the same.
        steered: Name the steering as well.
    """
    made = [label(setting, steered=steered) for setting in settings]
    for name in dict.fromkeys(made):
        same = [number for number, other in enumerate(made) if other == name]
        differing = [key for key in ("simulator", *_WORDS) if len({played_with(settings[i], key) for i in same}) > 1]
        for number in same:
            more = [f"{_WORDS.get(key, 'model')} {played_with(settings[number], key)}" for key in differing]
            made[number] = f"{name} ({', '.join(more)})" if more else name
    return made


def differences(named: Sequence[tuple[str, EpisodeConfig]]) -> list[str]:
    """What else than the simulators differs, a sentence each: then the numbers say less than they seem to.

    Args:
        named: Settings with the labels of their lines.
    """
    told = [
        difference(words, [(name, played_with(setting, key)) for name, setting in named])
        for key, words in _WORDS.items()
        if key != "seed"
    ]
    return list(filter(None, told))


def difference(words: str, values: Iterable[tuple[str, str]]) -> str:
    """A sentence about what is not the same everywhere; empty if it is.

    Args:
        words: What it is, in a reader's words.
        values: The names of those that have it, and its values.
    """
    by_value: dict[str, list[str]] = {}
    for name, value in values:
        by_value.setdefault(value, []).append(name)
    parts = [f"{value} for {', '.join(names)}" for value, names in by_value.items()]
    return f"not the same {words}: {'; '.join(parts)}" if len(parts) > 1 else ""


def played_with(setting: EpisodeConfig, key: str) -> str:
    """One of a setting's values, a model's name with a digest of what it stood for."""
    value = getattr(setting, key)
    if isinstance(value, bool):
        return "yes" if value else "no"
    digest = setting.models.get(value, "") if isinstance(value, str) else ""
    return f"{value} [{digest[:8]}]" if digest else str(value) or "none"
