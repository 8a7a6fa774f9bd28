"""The summary of a run: its rows, outcomes and usage, read from the journal once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_ugst.analysis.failures.agent_scores import scores_notes
from pytest_ugst.analysis.regression.comparison import comparison_table
from pytest_ugst.analysis.regression.decision import Comparison
from pytest_ugst.analysis.results import Results, versions
from pytest_ugst.analysis.success.gate import Gate
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.analysis.success.systems import EvaluatedSystem, across, add_usage, evaluated_systems, labels
from pytest_ugst.analysis.success.table import RatesRow, rates_table
from pytest_ugst.analysis.tables import Table
from pytest_ugst.core.text import counted
from pytest_ugst.core.usage import Usage
from pytest_ugst.engine.spec import goal_and_trial
from pytest_ugst.runs.outcome import EpisodeOutcome, not_played
from pytest_ugst.runs.reader import not_played as unplayed_before

if TYPE_CHECKING:
    from pytest_ugst.runs.run import Run


@dataclass(frozen=True, slots=True)
class Standing:
    """One table of a run: a row per simulator."""

    title: str
    """The benchmark (its domain), or empty where there is only one."""
    rows: tuple[RatesRow, ...]
    notes: tuple[str, ...] = ()

    def table(self, *, legend: bool = True) -> Table:
        """For any style."""
        return rates_table(self.rows, title=self.title, heading="simulator", legend=legend, notes=self.notes)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to."""

    tables: tuple[Standing, ...]
    """One per benchmark where there are several, and the one of the whole run last."""
    rows: tuple[RatesRow, ...]
    """All that the tables say; the row of the whole run comes last."""
    outcomes: tuple[EpisodeOutcome, ...]
    usage: Mapping[str, Usage]
    failures: Mapping[str, str]
    """By episode, why it could not be played."""
    comparison: Comparison | None = None
    """With the baseline, where one was named."""

    def printed(self) -> list[Table]:
        """The tables for any style; what the numbers are is said below the last one of rates."""
        tables = [table.table(legend=table is self.tables[-1]) for table in self.tables]
        if self.comparison is not None and not self.comparison.refused:
            title = f"against {self.comparison.base}: {counted(self.comparison.goals, 'goal')}"
            tables.append(comparison_table(self.comparison, title=title))
        return tables

    def results(self, run: Run, gate: Gate, missed: list[str]) -> Results:
        """For ``results.json``; what an earlier session could not play, and this one did not ask for, stays."""
        here = {one.id for one in self.outcomes}
        before = [one for one in unplayed_before(run) if one.id not in here and one.id not in run.ids]
        return Results(
            run=run.name,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            settings=dict(run.read_setting()),
            rows=self.rows,
            gate=gate.floors,
            missed=tuple(missed),
            comparison=self.comparison,
            episodes=tuple(sorted((*self.outcomes, *before), key=lambda one: one.id)),
            usage=dict(self.usage),
            versions=versions(),
        )


def summarise(run: Run) -> Summary:
    """Read the episodes that count, and count."""
    run.journal.refresh()
    found = evaluated_systems(run.name, (run.journal.get(name) for name in run.ids if name in run.journal))
    outcomes = [one for entrant in found for played in entrant.benchmarks.values() for one in played.outcomes]
    failures = {name: why for name, why in run.failures.items() if name not in run.journal}
    unplayed = [not_played(name, *goal_and_trial(name), why) for name, why in sorted(failures.items())]
    named = list(zip(labels([entrant.setting for entrant in found]), found, strict=True))
    benchmarks = list(dict.fromkeys(name for entrant in found for name in entrant.benchmarks))
    several = len(benchmarks) > 1
    tables = [_benchmark(named, benchmark) for benchmark in benchmarks] if several else []
    tables.append(_whole(named, unplayed, benchmarks))
    return Summary(
        tuple(tables),
        tuple(row for table in tables for row in _flat(table, table is tables[-1])),
        tuple(sorted((*outcomes, *unplayed), key=lambda o: o.id)),
        add_usage(entrant.usage for entrant in found),
        failures,
    )


def _benchmark(named: Sequence[tuple[str, EvaluatedSystem]], benchmark: str) -> Standing:
    there = [(name, one.benchmarks[benchmark]) for name, one in named if benchmark in one.benchmarks]
    rows = tuple(RatesRow(label=name, rates=rates(o.tally for o in played.outcomes)) for name, played in there)
    return Standing(benchmark, rows, tuple(scores_notes(named, benchmark)))


def _whole(
    named: Sequence[tuple[str, EvaluatedSystem]], unplayed: Sequence[EpisodeOutcome], benchmarks: Sequence[str]
) -> Standing:
    """The table of all benchmarks; its last row is of all simulators."""
    # A goal that was played in one trial and could not be in another is one goal all the same.
    known = {o.tally.goal: name for _, e in named for name, played in e.benchmarks.items() for o in played.outcomes}
    everything = [tally for _, entrant in named for tally in entrant.tallies()]
    everything += across((known.get(one.tally.goal, ""), one) for one in unplayed)
    rows = [RatesRow(label=name, rates=rates(one.tallies())) for name, one in named] if len(named) > 1 else []
    label = "all" if len(named) > 1 else named[0][0] if named else "nothing played"
    rows.append(RatesRow(label=label, rates=rates(everything)))
    several = len(benchmarks) > 1
    # Where there is one table only, the agent's score belongs to it.
    notes = () if several else tuple(note for benchmark in benchmarks for note in scores_notes(named, benchmark))
    return Standing("all" if several else "", tuple(rows), notes)


def _flat(table: Standing, last: bool) -> list[RatesRow]:
    """A table's rows; which one they are from stands before their labels, where there are several tables."""
    if not table.title:
        return list(table.rows)
    rows = []
    for row in table.rows:
        whole = len(table.rows) == 1 or (last and row is table.rows[-1])
        name = table.title if whole else f"{table.title}: {row.label}"
        rows.append(row.model_copy(update={"label": name}))
    return rows
