"""Tables that compare simulators as the paper's Tables 2, 3 and 7 do: one per benchmark, and one over all of them.

The last table pools all sub-components of a category over all benchmarks, as each table pools those of its own: a
benchmark with more sub-components weighs more. Avg is the plain mean of the five rates there as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from pytest_ugst.analysis.failures.agent_scores import scores_notes
from pytest_ugst.analysis.stats.bootstrap import RESAMPLES
from pytest_ugst.analysis.success.leaderboard import LeaderboardEntry, goal_differences
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.analysis.success.systems import describe_difference, setting_differences
from pytest_ugst.analysis.success.table import RatesRow, rates_table
from pytest_ugst.analysis.tables import Table
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.runs.outcome import Tally

OVERALL = "all benchmarks"
"""Title of the table over all benchmarks."""
_SHOWN = 3  # names of goals in a note


def benchmark_tables(
    entries: Sequence[LeaderboardEntry],
    *,
    resamples: int = RESAMPLES,
) -> list[Table]:
    """Return one table per benchmark, and where there are several benchmarks one over all of them.

    Args:
        entries: Entries in the order of the lines.
        resamples: Number of bootstrap resamples; 0 leaves the intervals out.
    """
    benchmarks = list(dict.fromkeys(name for entry in entries for name in entry.system.benchmarks))
    tables = []
    for benchmark in benchmarks:
        evaluated = [entry for entry in entries if benchmark in entry.system.benchmarks]
        tallies = [[o.tally for o in entry.system.benchmarks[benchmark].outcomes] for entry in evaluated]
        scores = scores_notes([(entry.name, entry.system) for entry in evaluated], benchmark)
        notes = [*_comparison_notes(evaluated, benchmark), *scores]
        tables.append(_table(benchmark, evaluated, tallies, notes, resamples))
    if len(benchmarks) > 1:
        joined = [entry for entry in entries if entry.system.joined]
        notes = ["sub-components pooled over the benchmarks"]
        notes += [f"{entry.name} was played in several runs: {entry.system.run}" for entry in joined]
        notes += _comparison_notes(entries, None)
        tables.append(_table(OVERALL, entries, [entry.system.tallies() for entry in entries], notes, resamples))
    return tables


def _table(
    title: str,
    entries: Sequence[LeaderboardEntry],
    tallies: Sequence[Sequence[Tally]],
    notes: Sequence[str],
    resamples: int,
) -> Table:
    """Return the table of several entries, each with the tallies of its episodes."""
    rows = [
        RatesRow(label=entry.label, rates=rates(counts, resamples=resamples))
        for entry, counts in zip(entries, tallies, strict=True)
    ]
    return rates_table(
        rows,
        title=title,
        heading="model",
        groups=[entry.method for entry in entries],
        names=[entry.name for entry in entries],
        runs=[entry.system.run for entry in entries],
        marked=True,
        notes=notes,
    )


def _comparison_notes(entries: Sequence[LeaderboardEntry], benchmark: str | None) -> list[str]:
    """Return notes on whatever limits the comparison of a table's lines, apart from the simulators."""
    digests = [entry.goal_digests(benchmark) for entry in entries]
    notes = goal_differences([(entry.name, goals) for entry, goals in zip(entries, digests, strict=True)])
    shared = set(digests[0]).intersection(*digests[1:])
    for field, words in ((0, "text"), (1, "sub-components or checks"), (2, "turn limit")):
        differing = sorted(goal for goal in shared if len({goals[goal][field] for goals in digests}) > 1)
        if differing:
            names = ", ".join(name for _, name in differing[:_SHOWN]) + (", ..." if len(differing) > _SHOWN else "")
            notes.append(f"not the same {words} in {counted(len(differing), 'goal')} of the same name: {names}")
    notes += setting_differences([(entry.name, entry.system.setting) for entry in entries])
    for name in dict.fromkeys(name for goals in digests for name, _ in goals):
        known = [(entry.name, f"[{entry.system.data[name][:8]}]") for entry in entries if entry.system.data.get(name)]
        notes += filter(None, [describe_difference(f"data in {name}", known)])
    return [*notes, *_trials_notes(entries, [len(goals) for goals in digests], benchmark)]


def _trials_notes(entries: Sequence[LeaderboardEntry], goals: Sequence[int], benchmark: str | None) -> list[str]:
    """Return a note if trials of goals are pooled.

    Args:
        entries: Entries of a table.
        goals: Number of goals of each entry.
        benchmark: The table's benchmark; None for all.
    """
    episodes = [
        sum(len(one.outcomes) for name, one in entry.system.benchmarks.items() if benchmark in (None, name))
        for entry in entries
    ]
    trials = {played / count for played, count in zip(episodes, goals, strict=True)}
    if trials == {1}:
        return []
    if len(trials) == 1 and (each := trials.pop()).is_integer():
        return [f"{each:.0f} trials of each goal are pooled"]
    parts = zip(entries, episodes, goals, strict=True)
    counts = ", ".join(f"{entry.name} {played} of {count}" for entry, played, count in parts)
    return [f"trials are pooled; episodes of goals: {counts}"]


def require_shared_goals(entries: Iterable[LeaderboardEntry]) -> None:
    """Check that the runs of a leaderboard can be compared.

    Raises:
        UsageError: If a run shares no goal with any other.
    """
    by_run: dict[str, set[tuple[str, str]]] = {}
    for entry in entries:
        by_run.setdefault(entry.system.run, set()).update(entry.goal_digests())
    isolated = set(by_run) if len(by_run) > 1 else set()
    for run, other in combinations(by_run, 2):
        if not by_run[run].isdisjoint(by_run[other]):
            isolated -= {run, other}
    for run in by_run:
        if run in isolated:
            others = ", ".join(other for other in by_run if other != run)
            raise UsageError(
                f"{run} shares no goal with {others}, so their rates can't stand side by side; name runs over the same "
                "goals, or print a table of each"
            )
