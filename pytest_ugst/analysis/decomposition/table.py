"""Tables of goal state generation: the paper's Table 5, and the confusions of categories."""

from __future__ import annotations

from pytest_ugst.analysis.decomposition.metrics import GenerationResult, Scores
from pytest_ugst.analysis.success.table import percent
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.status import Category
from pytest_ugst.core.text import counted


def generation_tables(
    result: GenerationResult, similarity: str, threshold: float, details: bool = False
) -> list[Table]:
    """Make the tables of scores and categories.

    Args:
        result: The matches.
        similarity: A name for the comparison of texts, for the notes.
        threshold: The similarity from which two sub-components could be the same, for the notes.
        details: Add a table of every sub-component with its match.
    """
    tables = [_scores(result, similarity, threshold), _categories(result)]
    return [*tables, _details(result)] if details else tables


def _scores(result: GenerationResult, similarity: str, threshold: float) -> Table:
    columns = [Column("over", ""), Column("precision", "P"), Column("recall", "R"), Column("f1", "F1")]
    columns += [
        Column("accuracy", "Acc."),
        Column("gold", "gold"),
        Column("made", "made"),
        Column("matched", "matched"),
    ]
    right = sum(len(goal.pairs) for goal in result.goals)
    wanted = right + sum(len(goal.missed) for goal in result.goals)
    generated = right + sum(len(goal.invented) for goal in result.goals)
    lines = [
        Line((Cell(name), *_percents(scores), Cell(wanted), Cell(generated), Cell(right)))
        for name, scores in (("mean over goals", result.mean()), ("pooled", result.pooled()))
    ]
    notes = [
        f"{counted(len(result.goals), 'goal')}; sub-components matched one to one by {similarity}, from "
        f"{threshold:g} on",
        "Acc.: percent of the matched whose category is the same",
    ]
    if result.missing:
        names = ", ".join(result.missing[:5]) + (", ..." if len(result.missing) > 5 else "")
        goals = counted(len(result.missing), "goal")
        notes.append(f"{goals} with nothing generated, so that all sub-components are missed: {names}")
    return Table(tuple(columns), tuple(lines), "Goal state generation", tuple(notes))


def _percents(scores: Scores) -> list[Cell]:
    values = (scores.precision, scores.recall, scores.f1, scores.accuracy)
    return [Cell(value, None if value is None else percent(value)) for value in values]


def _categories(result: GenerationResult) -> Table:
    counts = result.categories()
    lines = []
    for category in Category:
        missed = sum(part.category is category for goal in result.goals for part in goal.missed)
        cells = [Cell(counts[category, other]) for other in Category]
        lines.append(Line((Cell(category.value), *cells, Cell(missed))))
    invented = [sum(p.category is c for goal in result.goals for p in goal.invented) for c in Category]
    lines.append(Line((Cell("(not in gold)"), *map(Cell, invented), Cell())))
    columns = [Column("gold", "gold, then made:"), *(Column(c.value, c.value) for c in Category)]
    return Table((*columns, Column("missed", "missed")), tuple(lines), "Categories")


def _details(result: GenerationResult) -> Table:
    lines = []
    for goal in result.goals:
        for pair in goal.pairs:
            cells = (pair.gold.category.value, pair.gold.text, pair.generated.category.value, pair.generated.text)
            lines.append(Line((*map(Cell, cells), Cell(pair.similarity, f"{pair.similarity:.2f}")), goal.goal))
        lines += [Line((Cell(p.category.value), Cell(p.text), *[Cell()] * 3), goal.goal) for p in goal.missed]
        lines += [
            Line((Cell(), Cell(), Cell(p.category.value), Cell(p.text), Cell()), goal.goal) for p in goal.invented
        ]
    columns = (
        Column("gold_category", "gold"),
        Column("gold_text", ""),
        Column("made_category", "made"),
        Column("made_text", ""),
        Column("similarity", "sim."),
    )
    return Table(columns, tuple(lines), "Sub-components")
