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
from pytest_ugst.reports.table import Row

if TYPE_CHECKING:
    from pytest_ugst.engine.run import Run


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to."""

    rows: tuple[Row, ...]
    """The row of the whole run comes last."""
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
    by_domain: dict[str, list[Tally]] = {}
    outcomes, usages = [], []
    for episode_id in ids:
        if episode_id not in run.journal:
            continue
        episode = run.journal.get(episode_id)
        one = outcome(episode)
        outcomes.append(one)
        usages.append(episode.usage)
        by_setting.setdefault(label(episode.setting), []).append(one.tally)
        by_domain.setdefault(episode.goal.domain or "no domain", []).append(one.tally)
    failures = {name: why for name, why in run.failures.items() if name not in run.journal}
    unplayed = [not_played(name, re.split("[@+]", name)[0], 1, why) for name, why in sorted(failures.items())]
    everything = [o.tally for o in (*outcomes, *unplayed)]
    parts = next((part for part in (by_setting, by_domain) if len(part) > 1), {})
    rows = [Row(label=name, rates=rates(tallies)) for name, tallies in parts.items()]
    rows.append(Row(label="all" if parts else next(iter(by_setting), "nothing played"), rates=rates(everything)))
    return Summary(
        tuple(rows), tuple(sorted((*outcomes, *unplayed), key=lambda o: o.id)), add_usage([*usages]), failures
    )


def label(setting: Setting) -> str:
    """A simulator with how it was prompted, as a table row names it."""
    how = [] if setting.steer == "none" else [f"steered by {setting.steer}"]
    how += ["thinking"] if setting.reasoning else []
    return f"{setting.simulator} ({', '.join(how)})" if how else setting.simulator
