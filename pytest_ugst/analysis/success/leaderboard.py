"""Contenders: the simulators of several runs, each with its label and its method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.analysis.success.goal_digest import GoalDigest
from pytest_ugst.analysis.success.methods import STEERED, method_of, rank
from pytest_ugst.analysis.success.systems import EvaluatedSystem, differences, evaluated_systems, labels
from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.core.text import counted
from pytest_ugst.runs.reader import data_of, faults_of, not_played
from pytest_ugst.runs.run import Run


@dataclass(frozen=True, slots=True)
class LeaderboardEntry:
    """An entrant with its place in the tables."""

    label: str
    """Of its line, below its method."""
    method: str
    entrant: EvaluatedSystem
    name: str
    """In notes, where no method stands above it: unlike any other's."""

    def asked(self, benchmark: str | None = None) -> dict[tuple[str, str], GoalDigest]:
        """What was asked of it, by benchmark and goal.

        Args:
            benchmark: Only of this one.
        """
        return {
            (name, goal): asked
            for name, played in self.entrant.benchmarks.items()
            if benchmark in (None, name)
            for goal, asked in played.goals.items()
        }


def read_contenders(
    runs: Mapping[str, Run],
    *,
    methods: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    aliases: Mapping[str, Any] | None = None,
    joined: bool = False,
) -> list[LeaderboardEntry]:
    """Read runs, one episode at a time.

    Those of a method stand together, the methods in the order of the paper's tables; methods of the reader's own come
    last.

    Args:
        runs: By the names that tell them apart.
        methods: By run, the method of all it has played, where it is not to be found out.
        names: By run, what to call the simulator that it has played.
        aliases: The tables ``[tool.ugst.models.NAME]``, which may stand for checkpoints.
        joined: Take runs of one setting over different benchmarks for parts of one evaluation.
    """
    drafts = []
    for run_name, run in runs.items():
        found = evaluated_systems(run_name, run.journal)
        data = data_of(run)
        for entrant in found:
            entrant.data = dict(data)
            method = (methods or {}).get(run_name) or method_of(entrant.setting, _folders(run), aliases)
            drafts.append(_Draft(entrant, method, (names or {}).get(run_name, ""), alone=len(found) == 1))
    if joined:
        drafts = _joined(drafts)
    _label(drafts)
    seen = Counter(one.label for one in drafts)
    made = [LeaderboardEntry(d.label, d.method, d.entrant, d.label if seen[d.label] == 1 else d.name) for d in drafts]
    order = sorted(dict.fromkeys(one.method for one in drafts), key=rank)  # stable, so equal ranks stay as they were
    return sorted(made, key=lambda one: order.index(one.method))


def _folders(run: Run) -> Iterable[Path]:
    """Where the path of a checkpoint may start: here, and in the project that holds ``.ugst/runs/RUN``."""
    return (Path(), *run.folder.resolve().parents[2:3])


@dataclass(slots=True)
class _Draft:
    entrant: EvaluatedSystem
    method: str
    given: str
    """What the reader calls it; may be empty."""
    alone: bool
    """Whether it is all that its run has played."""
    label: str = ""

    @property
    def name(self) -> str:
        """What tells it from others of the same label."""
        steered = self.method in STEERED.values()
        return f"{self.label} ({f'steered by {self.entrant.setting.steer}' if steered else self.method})"


def _joined(drafts: Iterable[_Draft]) -> list[_Draft]:
    kept: list[_Draft] = []
    for one in drafts:
        mine = one.entrant
        for other in kept:
            same = (one.method, one.given, mine.setting) == (other.method, other.given, other.entrant.setting)
            if same and other.entrant.benchmarks.keys().isdisjoint(mine.benchmarks):
                other.entrant.join(mine)
                break
        else:
            kept.append(one)
    return kept


def _label(drafts: Sequence[_Draft]) -> None:
    """Tell the lines of one method apart: by the simulators, else by what they were played with, else by their runs."""
    for method in dict.fromkeys(one.method for one in drafts):
        here = [one for one in drafts if one.method == method]
        # Below a heading that names the steering, a line need not.
        found = labels([one.entrant.setting for one in here], steered=method not in STEERED.values())
        for one, label in zip(here, found, strict=True):
            one.label = label if not one.given else one.given if one.alone else f"{one.given}: {label}"
        seen = Counter(one.label for one in here)
        for one in here:
            one.label += f", {one.entrant.run}" if seen[one.label] > 1 else ""


class Owners:
    """Finds out which contender an episode is of."""

    def __init__(self, contenders: Sequence[LeaderboardEntry]) -> None:
        """Take note of the contenders.

        Args:
            contenders: Of one run each.
        """
        self._places = {
            (one.entrant.run, one.entrant.setting.model_dump_json()): place for place, one in enumerate(contenders)
        }

    def place(self, run: str, setting: EpisodeConfig) -> int:
        """Where among the contenders the one stands that a run has played under a setting."""
        return self._places[run, setting.model_dump_json()]


def unlike(contenders: Sequence[LeaderboardEntry]) -> list[str]:
    """What is not the same for all of them beside the simulator, in a line each: goals, agent, judge, prompts."""
    told = unlike_goals([(one.name, one.asked()) for one in contenders])
    return told + differences([(one.name, one.entrant.setting) for one in contenders])


def unlike_goals(asked: Sequence[tuple[str, Collection[Hashable]]]) -> list[str]:
    """Whether lines of a table are over the same goals, in a line if they are not.

    Args:
        asked: What tells each line apart, and its goals.
    """
    shared = set.intersection(*(set(goals) for _, goals in asked)) if asked else set()
    if all(len(goals) == len(shared) for _, goals in asked):
        return []
    counts = ", ".join(f"{name} {len(goals)}" for name, goals in asked)
    return [f"not the same goals: {counts}; {len(shared)} in common"]


def shortcomings(runs: Mapping[str, Run]) -> list[str]:
    """What is missing in the rates of runs, in a line each: they hold what was played and can be read."""
    told = []
    for name, run in runs.items():
        if missing := len(not_played(run)):
            told.append(f"{name}: {counted(missing, 'episode')} could not be played: in no rate")
    return told + unreadable(runs)


def unreadable(runs: Mapping[str, Run]) -> list[str]:
    """What of the journals of runs could not be read, a line for each fault."""
    return [f"{name}: journal: {fault}" for name, run in runs.items() for fault in faults_of(run)]
