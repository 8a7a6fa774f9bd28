"""The summary of a run: rows of its tables, outcomes and usage, read from the journal once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_ugst.analysis.agreement.deciders import Deciders
from pytest_ugst.analysis.failures.agent_scores import scores_notes
from pytest_ugst.analysis.regression.comparison import comparison_table
from pytest_ugst.analysis.regression.decision import Comparison
from pytest_ugst.analysis.results import Results, versions
from pytest_ugst.analysis.success.gate import Gate
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.analysis.success.systems import EvaluatedSystem, add_usage, evaluated_systems, labels, pooled_tallies
from pytest_ugst.analysis.success.table import RatesRow, rates_table
from pytest_ugst.analysis.tables import Table
from pytest_ugst.core.text import counted
from pytest_ugst.core.usage import Usage
from pytest_ugst.engine.spec import goal_and_trial
from pytest_ugst.runs.outcome import EpisodeOutcome, unplayed_outcome
from pytest_ugst.runs.reader import unplayed_outcomes

if TYPE_CHECKING:
    from pytest_ugst.runs.run import StoredRun


@dataclass(frozen=True, slots=True)
class SummaryTable:
    """A table of a run's success rates, with a row per simulator."""

    title: str
    """The benchmark (the goals' domain); empty where there is only one."""
    rows: tuple[RatesRow, ...]
    """Rows of the table; that of all simulators comes last in the table of the whole run."""
    notes: tuple[str, ...] = ()
    """Notes below the table."""

    def table(self, *, legend: bool = True) -> Table:
        """Return the table for any style.

        Args:
            legend: Whether to explain the numbers in a note.
        """
        return rates_table(self.rows, title=self.title, heading="simulator", legend=legend, notes=self.notes)


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of a run: its tables, outcomes and usage."""

    tables: tuple[SummaryTable, ...]
    """One table per benchmark where there are several, and the table of the whole run last."""
    rows: tuple[RatesRow, ...]
    """Rows of all tables; the row of the whole run comes last."""
    outcomes: tuple[EpisodeOutcome, ...]
    """Outcomes of the episodes, in the order of their ids, those that could not be played included."""
    usage: Mapping[str, Usage]
    """Usage by role."""
    failures: Mapping[str, str]
    """Reasons why episodes could not be played, by episode id."""
    comparison: Comparison | None = None
    """Comparison with the baseline, where one was named."""

    def printed(self) -> list[Table]:
        """Return the tables for any style; the numbers are explained below the last table of rates."""
        tables = [table.table(legend=table is self.tables[-1]) for table in self.tables]
        if self.comparison is not None and not self.comparison.refused:
            title = f"against {self.comparison.base}: {counted(self.comparison.goals, 'goal')}"
            tables.append(comparison_table(self.comparison, title=title))
        return tables

    def results(self, run: StoredRun, gate: Gate, missed: list[str]) -> Results:
        """Return the content of ``results.json``.

        Episodes that an earlier session could not play are kept, unless this session selected them.

        Args:
            run: The run.
            gate: Success rates that the run has to reach.
            missed: Messages on the rates that it did not reach.
        """
        here = {one.id for one in self.outcomes}
        before = [one for one in unplayed_outcomes(run) if one.id not in here and one.id not in run.ids]
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


def summarise(run: StoredRun) -> Summary:
    """Return the summary of the episodes of a run that count."""
    run.journal.refresh()
    deciders = Deciders()
    played = (run.journal.get(name) for name in run.ids if name in run.journal)
    systems = evaluated_systems(run.name, deciders.counting(played))
    outcomes = [one for system in systems for benchmark in system.benchmarks.values() for one in benchmark.outcomes]
    failures = {name: why for name, why in run.failures.items() if name not in run.journal}
    unplayed = [unplayed_outcome(name, *goal_and_trial(name), why) for name, why in sorted(failures.items())]
    named = list(zip(labels([system.setting for system in systems]), systems, strict=True))
    benchmarks = list(dict.fromkeys(name for system in systems for name in system.benchmarks))
    several = len(benchmarks) > 1
    tables = [_benchmark(named, benchmark) for benchmark in benchmarks] if several else []
    whole = _whole(named, unplayed, benchmarks)
    tables.append(replace(whole, notes=(*whole.notes, *deciders.notes())))
    return Summary(
        tuple(tables),
        tuple(row for table in tables for row in _flat(table, table is tables[-1])),
        tuple(sorted((*outcomes, *unplayed), key=lambda o: o.id)),
        add_usage(system.usage for system in systems),
        failures,
    )


def _benchmark(named: Sequence[tuple[str, EvaluatedSystem]], benchmark: str) -> SummaryTable:
    """Return the table of one benchmark."""
    evaluated = [(name, one.benchmarks[benchmark]) for name, one in named if benchmark in one.benchmarks]
    rows = tuple(RatesRow(label=name, rates=rates(o.tally for o in result.outcomes)) for name, result in evaluated)
    return SummaryTable(benchmark, rows, tuple(scores_notes(named, benchmark)))


def _whole(
    named: Sequence[tuple[str, EvaluatedSystem]], unplayed: Sequence[EpisodeOutcome], benchmarks: Sequence[str]
) -> SummaryTable:
    """Return the table of all benchmarks; its last row is that of all simulators."""
    # A goal that was played in one trial and could not be played in another is still one goal.
    known = {o.tally.goal: name for _, e in named for name, result in e.benchmarks.items() for o in result.outcomes}
    everything = [tally for _, system in named for tally in system.tallies()]
    everything += pooled_tallies((known.get(one.tally.goal, ""), one) for one in unplayed)
    rows = [RatesRow(label=name, rates=rates(one.tallies())) for name, one in named] if len(named) > 1 else []
    label = "all" if len(named) > 1 else named[0][0] if named else "nothing played"
    rows.append(RatesRow(label=label, rates=rates(everything)))
    several = len(benchmarks) > 1
    # Where there is one table only, the agent's score belongs to it.
    notes = () if several else tuple(note for benchmark in benchmarks for note in scores_notes(named, benchmark))
    return SummaryTable("all" if several else "", tuple(rows), notes)


def _flat(table: SummaryTable, last: bool) -> list[RatesRow]:
    """Return a table's rows for the list of all rows; with several tables their labels begin with the table's title."""
    if not table.title:
        return list(table.rows)
    rows = []
    for row in table.rows:
        whole = len(table.rows) == 1 or (last and row is table.rows[-1])
        name = table.title if whole else f"{table.title}: {row.label}"
        rows.append(row.model_copy(update={"label": name}))
    return rows
