"""Simulators side by side as in the paper's Tables 2, 3 and 7: one table per benchmark, and one over all of them.

The last table pools all sub-components of a category over all benchmarks, as each table pools those of its own: a
benchmark with more sub-components weighs more. Avg is the plain mean of the five rates there as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from itertools import combinations

from pytest_ugst.analysis.failures.agent_scores import scores_notes
from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
from pytest_ugst.analysis.success.leaderboard import LeaderboardEntry, unlike_goals
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.analysis.success.systems import difference, differences
from pytest_ugst.analysis.success.table import RatesRow, rates_table
from pytest_ugst.analysis.tables import Table
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

OVERALL = "all benchmarks"
_SHOWN = 3  # names of goals in a note


def benchmark_tables(
    contenders: Sequence[LeaderboardEntry],
    *,
    resamples: int = RESAMPLES,
) -> list[Table]:
    """One table per benchmark, and where there are several one over all of them.

    Args:
        contenders: In their order.
        resamples: Of the bootstrap; 0 leaves the intervals out.
    """
    benchmarks = list(dict.fromkeys(name for one in contenders for name in one.entrant.benchmarks))
    tables = []
    for benchmark in benchmarks:
        there = [one for one in contenders if benchmark in one.entrant.benchmarks]
        rows = [
            RatesRow(
                label=one.label,
                rates=rates((o.tally for o in one.entrant.benchmarks[benchmark].outcomes), resamples=resamples),
            )
            for one in there
        ]
        scores = scores_notes([(one.name, one.entrant) for one in there], benchmark)
        tables.append(_table(benchmark, there, rows, [*_doubts(there, benchmark), *scores]))
    if len(benchmarks) > 1:
        rows = [
            RatesRow(label=one.label, rates=rates(one.entrant.tallies(), resamples=resamples)) for one in contenders
        ]
        more = ["sub-components pooled over the benchmarks"]
        more += [
            f"{one.name} was played in several runs: {one.entrant.run}" for one in contenders if one.entrant.joined
        ]
        tables.append(_table(OVERALL, contenders, rows, [*more, *_doubts(contenders, None)]))
    return tables


def _table(title: str, contenders: Sequence[LeaderboardEntry], rows: Sequence[RatesRow], notes: Sequence[str]) -> Table:
    return rates_table(
        rows,
        title=title,
        heading="model",
        groups=[one.method for one in contenders],
        names=[one.name for one in contenders],
        runs=[one.entrant.run for one in contenders],
        marked=True,
        notes=notes,
    )


def _doubts(contenders: Sequence[LeaderboardEntry], benchmark: str | None) -> list[str]:
    """What the rates of the table's lines do not say about each other."""
    asked = [one.asked(benchmark) for one in contenders]
    notes = unlike_goals([(one.name, goals) for one, goals in zip(contenders, asked, strict=True)])
    shared = set(asked[0]).intersection(*asked[1:])
    for field, words in ((0, "text"), (1, "sub-components or checks"), (2, "turn limit")):
        differing = sorted(goal for goal in shared if len({goals[goal][field] for goals in asked}) > 1)
        if differing:
            names = ", ".join(name for _, name in differing[:_SHOWN]) + (", ..." if len(differing) > _SHOWN else "")
            notes.append(f"not the same {words} in {counted(len(differing), 'goal')} of the same name: {names}")
    notes += differences([(one.name, one.entrant.setting) for one in contenders])
    for name in dict.fromkeys(name for goals in asked for name, _ in goals):
        known = [(one.name, f"[{one.entrant.data[name][:8]}]") for one in contenders if one.entrant.data.get(name)]
        notes += filter(None, [difference(f"data in {name}", known)])
    return [*notes, *_pooled_trials(contenders, asked, benchmark)]


def _pooled_trials(contenders: Sequence[LeaderboardEntry], asked: Sequence[Sized], benchmark: str | None) -> list[str]:
    episodes = [
        sum(len(p.outcomes) for name, p in one.entrant.benchmarks.items() if benchmark in (None, name))
        for one in contenders
    ]
    goals = [len(one) for one in asked]
    trials = {played / count for played, count in zip(episodes, goals, strict=True)}
    if trials == {1}:
        return []
    if len(trials) == 1 and (each := trials.pop()).is_integer():
        return [f"{each:.0f} trials of each goal are pooled"]
    parts = zip(contenders, episodes, goals, strict=True)
    told = ", ".join(f"{one.name} {played} of {count}" for one, played, count in parts)
    return [f"trials are pooled; episodes of goals: {told}"]


def require_shared_goals(contenders: Iterable[LeaderboardEntry]) -> None:
    """Make sure that runs can stand side by side.

    Raises:
        UsageError: If a run shares no goal with any other.
    """
    by_run: dict[str, set[tuple[str, str]]] = {}
    for one in contenders:
        by_run.setdefault(one.entrant.run, set()).update(one.asked())
    lonely = set(by_run) if len(by_run) > 1 else set()
    for run, other in combinations(by_run, 2):
        if not by_run[run].isdisjoint(by_run[other]):
            lonely -= {run, other}
    for run in by_run:
        if run in lonely:
            others = ", ".join(other for other in by_run if other != run)
            raise UsageError(
                f"{run} shares no goal with {others}, so their rates can't stand side by side; name runs over the same "
                "goals, or print a table of each"
            )
