"""The leaderboard: the evaluated systems of several runs, each with its label and its method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.analysis.success.goal_digest import GoalDigest
from pytest_ugst.analysis.success.methods import STEERED, method_of, rank
from pytest_ugst.analysis.success.systems import EvaluatedSystem, evaluated_systems, labels, setting_differences
from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.core.text import counted
from pytest_ugst.runs.reader import data_digests, read_faults, unplayed_outcomes
from pytest_ugst.runs.run import StoredRun


@dataclass(frozen=True, slots=True)
class LeaderboardEntry:
    """An evaluated system with its label and its method."""

    label: str
    """Label of its line, which is printed below its method."""
    method: str
    """Method of the simulator; see :mod:`pytest_ugst.analysis.success.methods`."""
    system: EvaluatedSystem
    """The evaluated system."""
    name: str
    """Name in notes, where no method is printed above it; unique among the entries."""

    def goal_digests(self, benchmark: str | None = None) -> dict[tuple[str, str], GoalDigest]:
        """Return the digests of its goals, by benchmark and goal.

        Args:
            benchmark: The only benchmark to include; None for all.
        """
        return {
            (name, goal): digest
            for name, outcomes in self.system.benchmarks.items()
            if benchmark in (None, name)
            for goal, digest in outcomes.goals.items()
        }


def read_leaderboard(
    runs: Mapping[str, StoredRun],
    *,
    methods: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    aliases: Mapping[str, Any] | None = None,
    joined: bool = False,
) -> list[LeaderboardEntry]:
    """Read the leaderboard of several runs, with one episode in memory at a time.

    Entries of one method are consecutive, and the methods are in the order of the paper's tables; methods that the user
    names come last.

    Args:
        runs: Runs by their unique names.
        methods: Method of all systems of a run, by run; the other methods are derived from the settings.
        names: Name of the simulator of a run, by run.
        aliases: The tables ``[tool.ugst.models.NAME]``, which may stand for checkpoints.
        joined: Whether to take runs of one setting over different benchmarks for parts of one evaluation.
    """
    drafts = []
    for run_name, run in runs.items():
        systems = evaluated_systems(run_name, run.journal)
        data = data_digests(run)
        for system in systems:
            system.data = dict(data)
            method = (methods or {}).get(run_name) or method_of(system.setting, _folders(run), aliases)
            drafts.append(_Draft(system, method, (names or {}).get(run_name, ""), alone=len(systems) == 1))
    if joined:
        drafts = _join(drafts)
    _set_labels(drafts)
    seen = Counter(draft.label for draft in drafts)
    entries = [LeaderboardEntry(d.label, d.method, d.system, d.label if seen[d.label] == 1 else d.name) for d in drafts]
    order = sorted(dict.fromkeys(draft.method for draft in drafts), key=rank)  # stable: equal ranks keep their order
    return sorted(entries, key=lambda entry: order.index(entry.method))


def _folders(run: StoredRun) -> Iterable[Path]:
    """Return the folders that a checkpoint's path may be relative to: here, and the project of ``.ugst/runs/RUN``."""
    return (Path(), *run.folder.resolve().parents[2:3])


@dataclass(slots=True)
class _Draft:
    """A leaderboard entry that has no label yet."""

    system: EvaluatedSystem
    method: str
    given: str
    """Name that the user gave the simulator; empty if none."""
    alone: bool
    """Whether it is the only system of its run."""
    label: str = ""

    @property
    def name(self) -> str:
        """The label with the method, which distinguishes it from entries of the same label."""
        steered = self.method in STEERED.values()
        return f"{self.label} ({f'steered by {self.system.setting.steer}' if steered else self.method})"


def _join(drafts: Iterable[_Draft]) -> list[_Draft]:
    """Join systems of the same method, name and setting that have no benchmark in common."""
    joined: list[_Draft] = []
    for draft in drafts:
        system = draft.system
        for other in joined:
            same = (draft.method, draft.given, system.setting) == (other.method, other.given, other.system.setting)
            if same and other.system.benchmarks.keys().isdisjoint(system.benchmarks):
                other.system.join(system)
                break
        else:
            joined.append(draft)
    return joined


def _set_labels(drafts: Sequence[_Draft]) -> None:
    """Set labels that are unique within a method: by the simulators, else by their settings, else by their runs."""
    for method in dict.fromkeys(draft.method for draft in drafts):
        group = [draft for draft in drafts if draft.method == method]
        # Below a heading that names the steering, a line need not name it again.
        found = labels([draft.system.setting for draft in group], steered=method not in STEERED.values())
        for draft, label in zip(group, found, strict=True):
            draft.label = label if not draft.given else draft.given if draft.alone else f"{draft.given}: {label}"
        seen = Counter(draft.label for draft in group)
        for draft in group:
            draft.label += f", {draft.system.run}" if seen[draft.label] > 1 else ""


class EntryIndex:
    """Index of leaderboard entries by run and setting, to find the entry that an episode belongs to."""

    def __init__(self, entries: Sequence[LeaderboardEntry]) -> None:
        """Index the entries.

        Args:
            entries: Entries of one run each.
        """
        self._positions = {
            (entry.system.run, entry.system.setting.model_dump_json()): position
            for position, entry in enumerate(entries)
        }

    def position(self, run: str, setting: EpisodeConfig) -> int:
        """Return the position, from 0, of the entry with the episodes that a run played under a setting."""
        return self._positions[run, setting.model_dump_json()]


def entry_differences(entries: Sequence[LeaderboardEntry]) -> list[str]:
    """Return a note for whatever differs between the entries beside the simulator: goals, agent, judge, prompts."""
    notes = goal_differences([(entry.name, entry.goal_digests()) for entry in entries])
    return notes + setting_differences([(entry.name, entry.system.setting) for entry in entries])


def goal_differences(goals_by_name: Sequence[tuple[str, Collection[Hashable]]]) -> list[str]:
    """Return a note if the lines of a table are not over the same goals, else nothing.

    Args:
        goals_by_name: Names of the lines, each with its goals.
    """
    shared = set.intersection(*(set(goals) for _, goals in goals_by_name)) if goals_by_name else set()
    if all(len(goals) == len(shared) for _, goals in goals_by_name):
        return []
    counts = ", ".join(f"{name} {len(goals)}" for name, goals in goals_by_name)
    return [f"not the same goals: {counts}; {len(shared)} in common"]


def missing_data(runs: Mapping[str, StoredRun]) -> list[str]:
    """Return a note for each reason why episodes are in no rate of a run: not played, or not readable."""
    notes = []
    for name, run in runs.items():
        if missing := len(unplayed_outcomes(run)):
            notes.append(f"{name}: {counted(missing, 'episode')} could not be played: in no rate")
    return notes + journal_faults(runs)


def journal_faults(runs: Mapping[str, StoredRun]) -> list[str]:
    """Return a note for each fault in the journals of runs: lines that could not be read."""
    return [f"{name}: journal: {fault}" for name, run in runs.items() for fault in read_faults(run)]
