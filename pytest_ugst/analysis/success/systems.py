"""Evaluated systems: one simulator in one run each, which is the subject of one line of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ugst.analysis.success.goal_digest import GoalDigest, parts_digest, text_digest
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.outcome import EpisodeOutcome, Tally, episode_outcome

NO_DOMAIN = "no domain"
"""Benchmark of the goals that name no domain."""
_SETTING_NAMES = {
    "agent": "agent",
    "judge": "judge",
    "checks": "use of checks",
    "decomposer": "decomposer",
    "prompts": "prompts",
    "judge_sees_tools": "tools shown to the judge",
    "tool_rounds": "tool rounds",
    "seed": "seed",
}
"""Settings that may differ between evaluations of the same simulator, with their names in messages."""


@dataclass(slots=True)
class BenchmarkOutcomes:
    """The outcomes of the episodes of one benchmark."""

    outcomes: list[EpisodeOutcome] = field(default_factory=list)
    """One outcome per episode."""
    goals: dict[str, GoalDigest] = field(default_factory=dict)
    """Digests of the goals, by goal id."""


@dataclass(slots=True)
class EvaluatedSystem:
    """A simulator in one run, under one setting; it keeps outcomes and no episodes, so that it is small."""

    run: str
    """Name of the run; the names of several runs with ``+`` between them, where they are parts of one evaluation."""
    setting: EpisodeConfig
    """Setting of all its episodes."""
    benchmarks: dict[str, BenchmarkOutcomes] = field(default_factory=dict)
    """Outcomes by benchmark, which is the goals' domain."""
    usage: dict[str, Usage] = field(default_factory=dict)
    """Usage by role."""
    data: dict[str, str] = field(default_factory=dict)
    """Digests of the domains' data, by domain, where they are known."""
    joined: bool = False
    """Whether its episodes are from several runs."""

    def add(self, episode: Episode) -> None:
        """Add the outcome of an episode."""
        benchmark = self.benchmarks.setdefault(episode.goal.domain or NO_DOMAIN, BenchmarkOutcomes())
        benchmark.outcomes.append(episode_outcome(episode))
        if episode.goal.id not in benchmark.goals:
            benchmark.goals[episode.goal.id] = _goal_digest(episode)
        self.usage = add_usage((self.usage, episode.usage))

    def join(self, other: EvaluatedSystem) -> None:
        """Add the benchmarks of another run, which was played under the same setting and has none of these."""
        self.run, self.joined = f"{self.run} + {other.run}", True
        self.benchmarks |= other.benchmarks
        self.data |= {name: digest for name, digest in other.data.items() if name in other.benchmarks}
        self.usage = add_usage((self.usage, other.usage))

    def tallies(self) -> list[Tally]:
        """Return the tallies of all benchmarks together."""
        return pooled_tallies(
            (name, outcome) for name, benchmark in self.benchmarks.items() for outcome in benchmark.outcomes
        )


def _goal_digest(episode: Episode) -> GoalDigest:
    return GoalDigest(text_digest(episode.goal), parts_digest(episode.goal), episode.max_turns)


def add_usage(parts: Iterable[Mapping[str, Usage]]) -> dict[str, Usage]:
    """Return the sum of several usages, role by role."""
    total: dict[str, Usage] = {}
    for part in parts:
        for role, usage in part.items():
            total[role] = total.get(role, Usage()) + usage
    return total


def evaluated_systems(run: str, episodes: Iterable[Episode]) -> list[EvaluatedSystem]:
    """Return the evaluated systems of a run, in the order of their first episodes.

    Args:
        run: Name of the run.
        episodes: Episodes of the run; none is kept, so that only one has to be in memory.
    """
    systems: dict[str, EvaluatedSystem] = {}
    for episode in episodes:
        key = episode.setting.model_dump_json()
        if key not in systems:
            systems[key] = EvaluatedSystem(run, episode.setting)
        systems[key].add(episode)
    return list(systems.values())


def pooled_tallies(outcomes: Iterable[tuple[str, EpisodeOutcome]]) -> list[Tally]:
    """Return the tallies of several benchmarks, with the benchmarks' names added to the goals' to tell them apart.

    Args:
        outcomes: Names of benchmarks, each with an outcome.
    """
    return [outcome.tally.model_copy(update={"goal": f"{name}/{outcome.tally.goal}"}) for name, outcome in outcomes]


def label(setting: EpisodeConfig, *, steered: bool = True) -> str:
    """Return a simulator's name with the way it was prompted.

    Args:
        setting: Setting of the simulator's episodes.
        steered: Whether to name the steering as well.
    """
    how = [f"steered by {setting.steer}"] if steered and setting.steer != "none" else []
    how += ["thinking"] if setting.reasoning else []
    return f"{setting.simulator} ({', '.join(how)})" if how else setting.simulator


def labels(settings: Sequence[EpisodeConfig], *, steered: bool = True) -> list[str]:
    """Return a label for each setting; equal labels are extended by the settings that differ.

    Args:
        settings: Settings; equal ones among them get equal labels.
        steered: Whether to name the steering as well.
    """
    named = [label(setting, steered=steered) for setting in settings]
    for name in dict.fromkeys(named):
        same = [number for number, other in enumerate(named) if other == name]
        differing = [
            key for key in ("simulator", *_SETTING_NAMES) if len({setting_value(settings[i], key) for i in same}) > 1
        ]
        for number in same:
            more = [f"{_SETTING_NAMES.get(key, 'model')} {setting_value(settings[number], key)}" for key in differing]
            named[number] = f"{name} ({', '.join(more)})" if more else name
    return named


def setting_differences(named: Sequence[tuple[str, EpisodeConfig]]) -> list[str]:
    """Return a note for each setting beside the simulator that is not the same for all, which limits a comparison.

    Args:
        named: Settings with the labels of their lines.
    """
    notes = [
        describe_difference(words, [(name, setting_value(setting, key)) for name, setting in named])
        for key, words in _SETTING_NAMES.items()
        if key != "seed"
    ]
    return list(filter(None, notes))


def describe_difference(words: str, values: Iterable[tuple[str, str]]) -> str:
    """Return a note that lists the values of something where they differ; empty if they are all the same.

    Args:
        words: Name of what is compared.
        values: Labels, each with its value.
    """
    by_value: dict[str, list[str]] = {}
    for name, value in values:
        by_value.setdefault(value, []).append(name)
    parts = [f"{value} for {', '.join(names)}" for value, names in by_value.items()]
    return f"not the same {words}: {'; '.join(parts)}" if len(parts) > 1 else ""


def setting_value(setting: EpisodeConfig, key: str) -> str:
    """Return one value of a setting as text; a model's name is followed by the digest of the model, if known."""
    value = getattr(setting, key)
    if isinstance(value, bool):
        return "yes" if value else "no"
    digest = setting.models.get(value, "") if isinstance(value, str) else ""
    return f"{value} [{digest[:8]}]" if digest else str(value) or "none"
