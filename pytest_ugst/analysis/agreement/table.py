"""Tables of agreement: the paper's Table 4, coefficients beyond chance, and confusions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from pytest_ugst.analysis.agreement.metrics import (
    Annotators,
    alpha_of,
    baseline_matches,
    by_status,
    confusion,
    kappa_of,
    matches,
)
from pytest_ugst.analysis.success.rates import Rates, rates
from pytest_ugst.analysis.success.table import RatesRow, percent, rates_table
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.labels import ERROR, Label
from pytest_ugst.core.status import CHAINS, Category, Status
from pytest_ugst.core.text import counted

_LABELS: tuple[Label, ...] = (*Status, ERROR)


def agreement_tables(annotators: Annotators) -> list[Table]:
    """Make the tables of proportions of equal statuses, coefficients and confusions of each pair, and alpha over all.

    The first of a pair is the reference, to which "never moves" and "by status" refer.
    """
    pairs = [
        (a, b)
        for a, b in combinations(annotators.annotations, 2)
        if annotators.annotations[a].keys() & annotators.annotations[b].keys()
    ]
    tables = [_proportions(annotators, pairs)]
    tables += [_coefficients(annotators, a, b, len(pairs) > 1) for a, b in pairs]
    if len(annotators.annotations) > 2:
        tables.append(_alphas(annotators))
    tables += [_confusions(annotators, a, b, len(pairs) > 1) for a, b in pairs]
    return tables


def _pair(a: str, b: str) -> str:
    return f"{a} / {b}"


def _proportions(annotators: Annotators, pairs: Sequence[tuple[str, str]]) -> Table:
    rows = []
    compared = set()
    for a, b in pairs:
        first, second = annotators.annotations[a], annotators.annotations[b]
        compared |= {unit.conversation for unit in first.keys() & second.keys()}
        rows.append(RatesRow(label=_pair(a, b), rates=rates(matches(first, second))))
        rows.append(RatesRow(label=f"{a} / never moves", rates=rates(baseline_matches(first, second))))
    which = "at the last turn that anyone labelled" if annotators.final else "over all turns"
    notes = [
        f"percent of equal statuses {which}, with 95% intervals bootstrapped over conversations ({len(compared)})",
        "an error is no match; 'never moves' is who leaves every status where it starts",
    ]
    for row in rows:
        wrong = row.rates.average
        if wrong.errors:
            notes.append(f"{row.label}: {counted(wrong.errors, 'error')} among {counted(wrong.n, 'label')}")
    if missing := annotators.conversations - len(compared):
        where = "at the last turn" if annotators.final else "in common"
        notes.append(f"{counted(missing, 'conversation')} left out in which two annotators have no label {where}")
    for name, count in annotators.unshared.items():
        if count:
            notes.append(f"{name}: {counted(count, 'conversation')} left out that nobody else annotated")
    return replace(rates_table(rows, title="Agreement", heading="annotators"), notes=tuple(notes))


def _coefficients(annotators: Annotators, a: str, b: str, named: bool) -> Table:
    first, second = annotators.annotations[a], annotators.annotations[b]
    matching: Rates = rates(matches(first, second), resamples=0)
    confusions = confusion(first, second)
    lines = []
    for category in Category:
        if category not in confusions:
            continue
        rate = matching.columns[category]
        cells = (rate.n, rate.value, by_status(confusions[category]))
        both = (kappa_of(first, second, category), alpha_of((first, second), category))
        lines.append(_line(category.value, cells, both, rate.errors))
    total = matching.average
    agreed = 100 * total.successes / total.n if total.n else None
    lines.append(
        _line("all", (total.n, agreed, None), (kappa_of(first, second), alpha_of((first, second))), total.errors)
    )
    columns = [Column("category", "category"), Column("labels", "labels"), Column("agreement", "equal")]
    columns += [Column("by_status", "by status"), Column("kappa", "kappa"), Column("alpha", "alpha")]
    columns += [Column("errors", "err.")]
    notes = (
        "kappa: Cohen's; alpha: Krippendorff's, nominal; errors are missing values; – where all labels are the same",
        f"by status: mean over the statuses that {a} gave, the rare ones counting as much as the common ones",
        "labels of one conversation depend on each other: the coefficients have no simple intervals",
    )
    title = "Beyond chance" + (f": {_pair(a, b)}" if named else "")
    return Table(tuple(columns), tuple(lines), title, notes)


def _line(
    name: str,
    shares: tuple[int, float | None, float | None],
    coefficients: tuple[float | None, float | None],
    errors: int,
) -> Line:
    n, *percentages = shares
    cells = [Cell(name), Cell(n)]
    cells += [Cell(share, None if share is None else percent(share)) for share in percentages]
    cells += [Cell(value, None if value is None else f"{value:.3f}") for value in coefficients]
    return Line((*cells, Cell(errors)))


def _alphas(annotators: Annotators) -> Table:
    annotations = list(annotators.annotations.values())
    names: list[Category | None] = [*(c for c in Category), None]
    lines = []
    for category in names:
        alpha = alpha_of(annotations, category)
        units = {u for annotation in annotations for u in annotation if category in (None, u.category)}
        if units:
            label = "all" if category is None else category.value
            lines.append(Line((Cell(label), Cell(len(units)), Cell(alpha, None if alpha is None else f"{alpha:.3f}"))))
    columns = (Column("category", "category"), Column("labels", "labelled"), Column("alpha", "alpha"))
    title = f"Krippendorff's alpha of {len(annotations)} annotators"
    return Table(columns, tuple(lines), title, (f"annotators: {', '.join(annotators.annotations)}",))


def _confusions(annotators: Annotators, a: str, b: str, named: bool) -> Table:
    confusions = confusion(annotators.annotations[a], annotators.annotations[b])
    shown = [s for s in _LABELS if any(s in pair for pairs in confusions.values() for pair in pairs)]
    lines = []
    for category, pairs in confusions.items():
        allowed: tuple[Label, ...] = (*CHAINS[category], ERROR)
        for given in allowed:
            if not any(first == given for first, _ in pairs):
                continue
            cells = [Cell(pairs[given, other]) if other in allowed else Cell() for other in shown]
            lines.append(Line((Cell(str(given)), *cells), category.value))
    columns = [Column("first", f"{a}, then {b}:"), *(Column(str(s).lower(), str(s)) for s in shown)]
    title = "Who said what" + (f": {_pair(a, b)}" if named else "")
    return Table(tuple(columns), tuple(lines), title)
