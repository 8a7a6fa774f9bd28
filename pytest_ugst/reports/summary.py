"""The summary of a run: its rows, outcomes and usage, read from the journal once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_ugst.core.episode import Setting
from pytest_ugst.core.usage import Usage
from pytest_ugst.metrics.gate import Gate
from pytest_ugst.metrics.success import Tally, rates
from pytest_ugst.reports.results import Outcome, Results, add_usage, not_played, outcome, versions
from pytest_ugst.reports.scores import scores_line
from pytest_ugst.reports.table import Row

if TYPE_CHECKING:
    from pytest_ugst.engine.run import Run


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a run: a row per simulator."""

    title: str
    """The benchmark (its domain), or empty where there is only one."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to."""

    tables: tuple[Table, ...]
    """One per benchmark where there are several, and the one of the whole run last."""
    rows: tuple[Row, ...]
    """All that the tables say; the row of the whole run comes last."""
    outcomes: tuple[Outcome, ...]
    usage: Mapping[str, Usage]
    failures: Mapping[str, str]
    """By episode, why it could not be played."""

    def results(self, run: Run, gate: Gate, missed: list[str]) -> Results:
        """For ``results.json``."""
        return Results(
            run=run.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            settings=dict(run.read_setting()),
            rows=self.rows,
            gate=gate.floors,
            missed=tuple(missed),
            episodes=self.outcomes,
            usage=dict(self.usage),
            versions=versions(),
        )


def summarise(run: Run) -> Summary:
    """Read the selected episodes (all, where none are selected) and count."""
    run.journal.refresh()
    ids = run.selected or run.journal.ids()
    by_setting: dict[str, list[Tally]] = {}
    by_domain: dict[str, dict[str, list[Outcome]]] = {}
    outcomes, usages = [], []
    for episode_id in ids:
        if episode_id not in run.journal:
            continue
        episode = run.journal.get(episode_id)
        one = outcome(episode)
        outcomes.append(one)
        usages.append(episode.usage)
        by_setting.setdefault(label(episode.setting), []).append(one.tally)
        setting = by_domain.setdefault(episode.goal.domain or "no domain", {})
        setting.setdefault(label(episode.setting), []).append(one)
    failures = {name: why for name, why in run.failures.items() if name not in run.journal}
    unplayed = [not_played(name, re.split("[@+]", name)[0], 1, why) for name, why in sorted(failures.items())]
    everything = [o.tally for o in (*outcomes, *unplayed)]
    several = len(by_domain) > 1
    tables = [_table(domain if several else "", played) for domain, played in by_domain.items()] if several else []
    alone = len(by_setting) <= 1
    rows = [] if alone else [Row(label=name, rates=rates(tallies)) for name, tallies in by_setting.items()]
    rows.append(Row(label=next(iter(by_setting), "nothing played") if alone else "all", rates=rates(everything)))
    # Where there is one table only, the agent's score belongs to it.
    notes = () if several else _notes(next(iter(by_domain.values()), {}))
    tables.append(Table("all" if several else "", tuple(rows), notes))
    return Summary(
        tuple(tables),
        _flat(tables),
        tuple(sorted((*outcomes, *unplayed), key=lambda o: o.id)),
        add_usage([*usages]),
        failures,
    )


def _table(title: str, played: Mapping[str, list[Outcome]]) -> Table:
    rows = tuple(Row(label=name, rates=rates(o.tally for o in outcomes)) for name, outcomes in played.items())
    return Table(title, rows, _notes(played))


def _notes(played: Mapping[str, list[Outcome]]) -> tuple[str, ...]:
    lines = {name: line for name, outcomes in played.items() if (line := scores_line(outcomes)) is not None}
    return tuple(f"{name}: {line}" if len(played) > 1 else line for name, line in lines.items())


def _flat(tables: list[Table]) -> tuple[Row, ...]:
    """The rows of all tables; which table a row is from stands before its label, where there are several."""
    rows = []
    for table in tables:
        for row in table.rows:
            whole = table is tables[-1] and row is table.rows[-1]
            name = table.title if len(table.rows) == 1 or whole else f"{table.title}: {row.label}"
            rows.append(row.model_copy(update={"label": name}) if table.title else row)
    return tuple(rows)


def label(setting: Setting) -> str:
    """A simulator with how it was prompted, as a table row names it."""
    how = [] if setting.steer == "none" else [f"steered by {setting.steer}"]
    how += ["thinking"] if setting.reasoning else []
    return f"{setting.simulator} ({', '.join(how)})" if how else setting.simulator
