"""Measure by simulation how often the gate against a baseline is wrong, and print the report.

python benchmarks/gate_errors.py > docs/results/gate_errors.md
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from pytest_ugst.analysis.regression.decision import GateDecision, decide, parse_margins
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.stats.paired import Pair, differences, estimate, weights
from pytest_ugst.config.options import DEFAULT_MAX_DROP
from pytest_ugst.core.status import Category
from pytest_ugst.goals.files import load_goals

Floats = NDArray[np.float64]
ROOT = Path(__file__).parents[1]
RESAMPLES = 1_000  # of each simulated comparison; the gate itself takes more
NODES, _SHARES = np.polynomial.hermite_e.hermegauss(61)
SHARES: Floats = _SHARES / _SHARES.sum()

TIGHT = "5,preference=8,avg=4"
HEAD = """# How often the gate is wrong

Printed by `python benchmarks/gate_errors.py --times {times}` ({minutes} minutes of one core; Python {python}, numpy
{numpy}). What the gate does is told in [gate.md](../gate.md).

Goals have the sub-components of the shipped ones: all 150 of the MultiWOZ Challenge or some of them, or the 32 of the
concierge. Whether a sub-component is a success is drawn anew for the baseline and for the new run, with a chance that
depends on the goal, the sub-component and the episode. Standard deviations of these effects, on the logit scale:

{worlds}

Expected rates of profile, policy, objectives, requirements and preferences: high {high}, middling {middling}.
The margins are `--ugst-max-drop={default}`, the default, unless others are named.

## Nothing changed: percent of runs that fail

Before the slash, runs that fail. Behind it, runs in which at least one of the six intervals lies below zero, whatever
the margin: the correction for six columns is there to keep this at 2.5. The highest share of failing runs in the
table is {worst} percent; 5 were allowed. By chance alone, what is 2.5 shows as 2.5 ± {unsure}.
"""
DETECTION = """
## A true drop of twice the margin on 150 goals: percent of runs in which it is found

One category drops by twice its margin while the others stay, and its column is called a regression. In the last column
all categories drop by {drop} points, twice the margin of Avg, and the run fails. One trial of each goal:
"""
THRICE = """
Where an episode stands or falls as a whole, 150 goals are 150 answers of yes or no, whatever the number of their
sub-components: a limit for any test, and a reason to look at the interval and not at the number of sub-components.

Three trials of each goal allow about half the margins, here `--ugst-max-drop={tight}`:
"""


@dataclass(frozen=True)
class Scenario:
    """A model of correlated successes: standard deviations of common effects on the logit scale."""

    name: str
    goal: float
    """Deviation of the effect of a goal on its sub-components, the same in every episode: hard goals and easy ones."""
    part: float
    """Deviation of the effect of a sub-component, the same in every episode."""
    episode: float
    """Deviation of the effect of an episode on its sub-components: good episodes and bad ones."""

    def levels(self, rates: Sequence[float]) -> Floats:
        """Return the logits at which the expected rates over goals, sub-components and episodes are the given ones."""
        spread = np.sqrt(self.goal**2 + self.part**2 + self.episode**2)
        low, high = np.full(len(rates), -60.0), np.full(len(rates), 60.0)
        for _ in range(60):
            middle = (low + high) / 2
            expected = (SHARES / (1 + np.exp(-(middle[:, None] + spread * NODES)))).sum(axis=1)
            low, high = np.where(expected < rates, middle, low), np.where(expected < rates, high, middle)
        middle = (low + high) / 2
        return np.asarray(middle, dtype=np.float64)


INDEPENDENT = Scenario("independent", 0, 0, 0)
HARD = Scenario("hard and easy goals", 1.5, 0, 0)
EPISODES = Scenario("good and bad episodes", 1, 0, 1.5)
ALL = Scenario("goals, parts and episodes differ", 1, 1, 1)
WHOLE = Scenario("an episode stands or falls as a whole", 0, 0, 8)
SCENARIOS = (INDEPENDENT, HARD, EPISODES, ALL)
RATES = {"high": (0.97, 0.95, 0.90, 0.90, 0.90), "middling": (0.80, 0.70, 0.75, 0.70, 0.60)}
"""Success rates of the baseline in the order of the categories."""


@dataclass(frozen=True)
class Outcome:
    """Decisions of the gate in many simulated comparisons."""

    failed: float
    """Share of the comparisons in which it failed the run."""
    columns: Floats
    """Share in which a column was called a regression, by column."""
    any_drop: float
    """Share in which an interval lay below zero, whatever the margin."""


def play(
    totals: Floats,
    scenario: Scenario,
    base: Sequence[float],
    new: Sequence[float],
    trials: int,
    rng: np.random.Generator,
) -> Iterator[tuple[Floats, Floats]]:
    """Yield successes of a baseline and of a new run over the same goals, as means over trials, without end."""
    goals, size = totals.shape
    part = np.repeat(np.arange(goals * size), totals.astype(int).ravel())
    goal, category = part // size, part % size
    levels: list[Floats] = [scenario.levels(rates)[category] for rates in (base, new)]
    while True:
        lasting = rng.normal(0, scenario.goal, size=(goals,))[goal] + rng.normal(0, scenario.part, len(part))
        made = []
        for level in levels:
            shared = rng.normal(0, scenario.episode, size=(trials, goals))[:, goal]
            kept = rng.random((trials, len(part))) < 1 / (1 + np.exp(-(level + lasting + shared)))
            counts = np.bincount(part, kept.sum(axis=0), goals * size).reshape(goals, size)
            made.append(counts / trials)
        yield made[0], made[1]


def simulate(
    totals: Floats,
    scenario: Scenario,
    base: Sequence[float],
    new: Sequence[float],
    *,
    trials: int,
    times: int,
    margins: dict[str, float],
    seed: int,
) -> Outcome:
    """Have the gate decide many simulated comparisons."""
    drawn = list(weights(len(totals), RESAMPLES, 0))
    family = np.array([name in margins for name in COLUMNS])
    margin = np.array([margins.get(name, np.inf) for name in COLUMNS])
    regressions = np.zeros((times, len(COLUMNS)), dtype=bool)
    below = np.zeros_like(regressions)
    played = play(totals, scenario, base, new, trials, np.random.default_rng(seed))
    for number in range(times):
        before, after = next(played)
        found = estimate(totals, after - before, drawn, family)
        if found.factor is None:
            continue
        low = found.values - found.factor * found.errors
        high = found.values + found.factor * found.errors
        below[number] = high < 0
        regressions[number] = (high < 0) & (found.values < -margin) & (low <= -margin)
        if number == 0:
            check(totals, before, after, margins, regressions[number])
    return Outcome(
        float(regressions.any(axis=1).mean()),
        regressions.mean(axis=0),
        float(below.any(axis=1).mean()),
    )


def check(totals: Floats, base: Floats, new: Floats, margins: dict[str, float], regressions: NDArray[np.bool_]) -> None:
    """Check that the gate itself decides as the simulation does."""
    pairs = [
        Pair(str(n).zfill(6), *({c: float(x) for c, x in zip(Category, row, strict=True)} for row in rows))
        for n, rows in enumerate(zip(totals, base, new, strict=True))
    ]
    findings = decide(differences(pairs, list(margins), resamples=RESAMPLES), margins)
    regressed = {one.column for one in findings if one.verdict is GateDecision.REGRESSION}
    assert regressed == {name for name, is_one in zip(COLUMNS, regressions, strict=True) if is_one}


def component_counts(name: str) -> Floats:
    """Return the number of sub-components per category of each goal in a shipped file, shape (goals, 5)."""
    goals = load_goals(ROOT / "goals" / name)
    return np.array([[sum(c.category is k for c in goal.components or ()) for k in Category] for goal in goals], float)


def false_alarms(times: int) -> tuple[list[list[object]], float]:
    """Return the lines on how often a run fails although nothing changed, and the highest share (from 0 to 1)."""
    challenge, concierge = (
        component_counts("multiwoz_challenge.goal.jsonl"),
        component_counts("concierge_test.goal.yaml"),
    )
    some = np.random.default_rng(5).permutation(len(challenge))
    sets = {
        "8": challenge[some[:8]],
        "30": challenge[some[:30]],
        "32 (concierge)": concierge,
        "50": challenge[some[:50]],
        "150": challenge,
    }
    margins = parse_margins(DEFAULT_MAX_DROP)
    rows: list[list[object]] = []
    worst = 0.0
    seed = 1
    for label, totals in sets.items():
        for scenario in (*SCENARIOS, WHOLE):
            row: list[object] = [label, scenario.name]
            for trials in (1, 3):
                for rates in RATES.values():
                    seed += 1
                    got = simulate(
                        totals, scenario, rates, rates, trials=trials, times=times, margins=margins, seed=seed
                    )
                    worst = max(worst, got.failed)
                    row.append(f"{100 * got.failed:.1f} / {100 * got.any_drop:.1f}")
            rows.append(row)
            progress(*row)
    return rows, worst


def detection(times: int, margins: dict[str, float], trials: int, scenarios: Sequence[Scenario]) -> list[list[object]]:
    """Return the lines on how often a drop of twice the margin on 150 goals is found."""
    totals = component_counts("multiwoz_challenge.goal.jsonl")
    rows: list[list[object]] = []
    seed = 1000
    for scenario in scenarios:
        for kind, rates in RATES.items():
            row: list[object] = [scenario.name, kind]
            for number, name in enumerate(COLUMNS):
                seed += 1
                lower = list(rates)
                if name == "avg":
                    lower = [rate - 2 * margins["avg"] / 100 for rate in rates]
                else:
                    lower[number] -= 2 * margins[name] / 100
                got = simulate(totals, scenario, rates, lower, trials=trials, times=times, margins=margins, seed=seed)
                row.append(f"{100 * (got.failed if name == 'avg' else got.columns[number]):.1f}")
            rows.append(row)
            progress(trials, *row)
    return rows


def table(rows: Sequence[Sequence[object]], headings: Sequence[str]) -> str:
    """Return a Markdown table whose first two columns are text."""
    align = ["left", "left", *["right"] * (len(headings) - 2)]
    return tabulate(rows, headings, tablefmt="github", colalign=align, disable_numparse=True)


def progress(*values: object) -> None:
    """Print a line of progress to standard error."""
    print(*values, file=sys.stderr, flush=True)


def main() -> int:
    """Simulate, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=1000, help="comparisons per number (default: 1000)")
    times = parser.parse_args().times
    started = time.process_time()
    alarms, worst = false_alarms(times)
    default = parse_margins(DEFAULT_MAX_DROP)
    once = detection(max(1, times // 3), default, 1, (*SCENARIOS, WHOLE))
    thrice = detection(max(1, times // 3), parse_margins(TIGHT), 3, SCENARIOS)
    minutes = (time.process_time() - started) / 60
    columns = [*COLUMNS.values()][:-1]
    scenarios = [[s.name, f"{s.goal:g}", f"{s.part:g}", f"{s.episode:g}"] for s in (*SCENARIOS, WHOLE)]
    high, middling = ("/".join(f"{100 * rate:.0f}" for rate in rates) for rates in RATES.values())
    unsure = 196 * (0.025 * 0.975 / times) ** 0.5
    print(
        HEAD.format(
            times=times,
            minutes=f"{minutes:.0f}",
            python=platform.python_version(),
            numpy=np.__version__,
            worlds=table(scenarios, ["world", "goals", "sub-components", "episodes"]),
            high=high,
            middling=middling,
            default=DEFAULT_MAX_DROP,
            worst=f"{100 * worst:.1f}",
            unsure=f"{unsure:.1f}",
        )
    )
    print(
        table(alarms, ["goals", "world", "1 trial, high", "1 trial, middling", "3 trials, high", "3 trials, middling"])
    )
    print(DETECTION.format(drop=f"{2 * default['avg']:g}"))
    print(table(once, ["world", "rates", *columns, "all"]))
    print(THRICE.format(tight=TIGHT))
    print(table(thrice, ["world", "rates", *columns, "all"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
