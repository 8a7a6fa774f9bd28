"""Contenders: the simulators of several runs, each with its label and its method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.engine.run import Run
from pytest_ugst.reports.entrants import Asked, Entrant, entrants, labels
from pytest_ugst.reports.methods import STEERED, method_of, rank
from pytest_ugst.reports.reading import not_played


@dataclass(frozen=True, slots=True)
class Contender:
    """An entrant with its place in the tables."""

    label: str
    """Of its line, below its method."""
    method: str
    entrant: Entrant
    name: str
    """In notes, where no method stands above it: unlike any other's."""

    def asked(self, benchmark: str | None = None) -> dict[tuple[str, str], Asked]:
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
) -> list[Contender]:
    """Read runs, one episode at a time.

    Those of a method stand together, the methods in the order of the paper's tables; methods of the reader's own come
    last.

    Args:
        runs: By the names that tell them apart.
        methods: By run, the method of all it has played, where it is not to be found out.
        names: By run, what to call the simulator that it has played.
        aliases: The tables ``[tool.ugst.models.NAME]``, which may stand for checkpoints.
    """
    found = [entrant for name, run in runs.items() for entrant in entrants(name, run.journal)]
    method = [(methods or {}).get(one.run) or method_of(one.setting, _folders(runs[one.run]), aliases) for one in found]
    label = _labels(found, method, names or {})
    made = [Contender(*one) for one in zip(label, method, found, _names(found, method, label), strict=True)]
    order = sorted(dict.fromkeys(method), key=rank)  # stable: methods of equal rank stay as they were named
    return sorted(made, key=lambda one: order.index(one.method))


def _folders(run: Run) -> Iterable[Path]:
    """Where the path of a checkpoint may start: here, and in the project that holds ``.ugst/runs/RUN``."""
    return (Path(), *run.folder.resolve().parents[2:3])


def _labels(found: Sequence[Entrant], methods: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """What tells the lines of one method apart: the simulators, else what they were played with, else their runs."""
    made = [""] * len(found)
    for method in dict.fromkeys(methods):
        here = [number for number, name in enumerate(methods) if name == method]
        settings = [found[number].setting for number in here]
        # Below a heading that names the steering, a line need not.
        for number, label in zip(here, labels(settings, steered=method not in STEERED.values()), strict=True):
            made[number] = label
    per_run = Counter(one.run for one in found)
    for number, one in enumerate(found):
        if name := names.get(one.run):
            made[number] = name if per_run[one.run] == 1 else f"{name}: {made[number]}"
    seen = Counter(zip(methods, made, strict=True))
    return [
        f"{label}, {one.run}" if seen[method, label] > 1 else label
        for one, method, label in zip(found, methods, made, strict=True)
    ]


def _names(found: Sequence[Entrant], methods: Sequence[str], labels: Sequence[str]) -> list[str]:
    seen = Counter(labels)
    made = []
    for one, method, label in zip(found, methods, labels, strict=True):
        how = f"steered by {one.setting.steer}" if method in STEERED.values() else method
        made.append(label if seen[label] == 1 else f"{label} ({how})")
    return made


def shortcomings(runs: Mapping[str, Run]) -> list[str]:
    """What is missing in the rates of runs, in a line each: they hold what was played and can be read."""
    told = []
    for name, run in runs.items():
        if missing := len(not_played(run)):
            told.append(f"{name}: {missing} episodes could not be played and are in no rate")
        if run.journal.torn:
            told.append(f"{name}: {run.journal.torn} lines of its journal could not be read")
    return told
