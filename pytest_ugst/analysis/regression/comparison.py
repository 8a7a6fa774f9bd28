"""Comparison of a run with a baseline over the goals they share, and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ugst.analysis.regression.baseline import Baseline, BaselineGoal, GoalKey, Trial
from pytest_ugst.analysis.regression.comparability import Mismatch, other_differences, shared_goals
from pytest_ugst.analysis.regression.decision import ColumnDecision, Comparison, GateDecision, decide
from pytest_ugst.analysis.stats.bootstrap import CONFIDENCE
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.stats.paired import Difference, Differences, Pair, differences
from pytest_ugst.analysis.success.table import percent
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.labels import ERROR
from pytest_ugst.core.text import counted, one_line
from pytest_ugst.engine.spec import goal_and_trial


def compare(
    base: Baseline, new: Baseline, margins: Mapping[str, float], *, name: str, found: Sequence[Mismatch] = ()
) -> Comparison:
    """Compare a run with a baseline over the shared goals.

    Args:
        base: The baseline.
        new: The results of the run, from :func:`with_unplayed`.
        margins: Points that columns may drop, by column.
        name: The baseline as the user named it.
        found: Differences between the runs that are allowed; they are reported in the notes.

    Raises:
        UsageError: If they share no goal.
    """
    keys = shared_goals(base, new)
    if not keys:
        raise UsageError(
            f"{name} and {new.run} share no goal, so there is nothing to compare; name runs over the same goals"
        )
    before, after = base.by_key(), new.by_key()
    pairs = [_pair(before[key], after[key]) for key in keys]
    measured: Differences = differences(pairs, list(margins))
    findings = decide(measured, dict(margins))
    decided = {one.column for one in findings}
    goals = [(before[key], after[key]) for key in keys]
    notes = [one.message for one in found]
    if len(keys) < max(len(before), len(after)):
        both = counted(len(keys), "goal")
        notes.append(f"compared over the {both} that both hold, of {len(before)} before and {len(after)} now")
    notes += [f"{one_line(id)} is not compared: {why}" for side in (base, new) for id, why in side.dropped.items()]
    notes += other_differences(base.settings, new.settings)
    notes += _trials(goals)
    notes += _errors(goals)
    return Comparison(
        base=name,
        base_run=base.run,
        run=new.run,
        goals=len(keys),
        findings=tuple(findings),
        others={column: one for column, one in measured.columns.items() if column not in decided and one.goals},
        notes=tuple(notes),
    )


def with_unplayed(new: Baseline, base: Baseline) -> Baseline:
    """Return the results of a run with the episodes that could not be played at all as errors.

    Without these errors the rates would look better for every goal that can't be played. Only the sub-components of the
    baseline's goals are known, so that other goals are left out, as are episodes that the baseline has not either.

    Args:
        new: The results of the run.
        base: The baseline.
    """
    by_id: dict[str, list[BaselineGoal]] = {}
    for goal in base.goals:
        by_id.setdefault(goal.id, []).append(goal)
    goals: dict[GoalKey, BaselineGoal] = new.by_key()
    for name in new.unplayed.keys() - base.unplayed.keys():
        id_, number = goal_and_trial(name)
        known = by_id.get(id_, [])
        if len(known) != 1:
            continue
        goal = goals.get(known[0].key, known[0].model_copy(update={"trials": ()}))
        unplayed = Trial(id=name, trial=number, statuses=dict.fromkeys(goal.components, ERROR))
        goals[goal.key] = goal.model_copy(update={"trials": (*goal.trials, unplayed)})
    return new.model_copy(update={"goals": tuple(goals[key] for key in sorted(goals))})


def _pair(base: BaselineGoal, new: BaselineGoal) -> Pair:
    return Pair("\n".join(base.key), base.totals(), base.successes(), new.successes())


def _trials(goals: Sequence[tuple[BaselineGoal, BaselineGoal]]) -> list[str]:
    was, now = (sorted({len(pair[side].trials) for pair in goals}) for side in (0, 1))
    if was == now and len(was) == 1:
        return []
    counts = [f"{side[0]}" if len(side) == 1 else f"{side[0]} to {side[-1]}" for side in (was, now)]
    weight = "a goal weighs by its sub-components, however often it was played"
    return [f"trials of a goal: {counts[0]} before, {counts[1]} now; {weight}"]


def _errors(goals: Sequence[tuple[BaselineGoal, BaselineGoal]]) -> list[str]:
    counts = [
        sum(status == ERROR for pair in goals for trial in pair[side].trials for status in trial.statuses.values())
        for side in (0, 1)
    ]
    if not any(counts):
        return []
    return [f"sub-components without a trustworthy verdict, so no successes: {counts[0]} before, {counts[1]} now"]


# As a table


def comparison_table(comparison: Comparison, *, title: str = "") -> Table:
    """Return a table with a line per column, for any style."""
    columns = [
        Column("column", ""),
        Column("base", "base"),
        Column("new", "new"),
        Column("difference", "difference"),
        Column("interval", f"{CONFIDENCE:g}% interval"),
        Column("allowed", "may drop"),
        Column("verdict", "verdict"),
    ]
    by_name = {one.column: one for one in comparison.findings}
    lines = []
    for name, heading in COLUMNS.items():
        if (finding := by_name.get(name)) is not None:
            lines.append(_line(heading, finding.difference, finding))
        elif name in comparison.others:
            lines.append(_line(heading, comparison.others[name], None))
    notes = [f"points; the intervals hold for all {len(by_name)} columns at once" if len(by_name) > 1 else "points"]
    notes += required_goals(comparison)
    return Table(tuple(columns), tuple(lines), title, (*notes, *comparison.notes))


def _line(heading: str, one: Difference, finding: ColumnDecision | None) -> Line:
    interval = Cell() if one.low is None or one.high is None else Cell(None, f"{signed(one.low)} to {signed(one.high)}")
    more = {"low": one.low, "high": one.high, "goals": one.goals, "better": one.better, "worse": one.worse}
    return Line(
        (
            Cell(heading),
            Cell(one.base, None if one.base is None else percent(one.base)),
            Cell(one.new, None if one.new is None else percent(one.new)),
            Cell(one.value, None if one.value is None else signed(one.value), more=more),
            interval,
            Cell(finding.margin, f"{finding.margin:g}") if finding else Cell(),
            Cell(finding.verdict.value if finding else None, None if finding else "not asked"),
        )
    )


def signed(points: float) -> str:
    """Return points with their sign and one decimal, or with two digits where one decimal would show a zero."""
    text = f"{points:+.1f}"
    if text in ("+0.0", "-0.0"):
        return "0.0" if abs(points) < 1e-9 else f"{points:+.2g}"
    return text


def required_goals(comparison: Comparison) -> list[str]:
    """Return how many goals would settle the inconclusive columns; columns with the same answer share a line."""
    columns_by_answer: dict[str, list[str]] = {}
    for one in comparison.of(GateDecision.INCONCLUSIVE):
        columns_by_answer.setdefault(_required_goals(one), []).append(one.column)
    return [
        f"{', '.join(columns)}: {answer} ({comparison.goals} were compared)"
        for answer, columns in columns_by_answer.items()
    ]


def _required_goals(one: ColumnDecision) -> str:
    found = one.difference
    if found.value is None:
        return "no sub-component to compare in these goals"
    if found.low is None:
        few = f"{counted(found.goals, 'goal', ('is', 'are'))} too few to tell anything"
        return f"{few}; {one.needed} would give an interval" if one.needed else few
    if one.needed is None or one.size is None:
        return "so near to what it may drop that hardly any number of goals would settle it"
    if found.high is not None and found.high < 0:
        return (
            f"a drop for certain; about {one.needed} goals would show whether it is larger than {one.margin:g} points"
        )
    size = f"{one.size:.1f}".removesuffix(".0")
    return f"about {one.needed} goals would show a drop of {size} points"


def gate_failures(comparison: Comparison, *, strict: bool) -> list[str]:
    """Return the reasons why a run fails against its baseline; empty if it passes.

    Args:
        comparison: Comparison of the run with the baseline.
        strict: Whether inconclusive columns fail as well.
    """
    messages = []
    for one in comparison.of(GateDecision.REGRESSION):
        found = one.difference
        assert found.base is not None and found.new is not None and found.value is not None  # noqa: PT018
        assert found.low is not None and found.high is not None  # noqa: PT018
        messages.append(
            f"{one.column}: from {percent(found.base)} to {percent(found.new)}, a drop of {-found.value:.1f} points "
            f"({CONFIDENCE:g}% interval {-found.high:.1f} to {-found.low:.1f}); {one.margin:g} may be lost"
        )
    if strict:
        messages += [
            f"{one.column}: inconclusive, which --ugst-strict-gate does not let pass"
            for one in comparison.of(GateDecision.INCONCLUSIVE)
        ]
    return messages
