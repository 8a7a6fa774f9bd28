"""Changes between a baseline and a run, as text for a terminal and as a table for the other styles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pytest_ugst.analysis.regression.changes import Change, EpisodeChanges
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.text import counted, one_line

_QUOTE = 160  # characters of a quote or a reason
_COLUMNS = {
    "episode": "episode",
    "direction": "",
    "category": "category",
    "text": "sub-component",
    "base": "before",
    "new": "now",
    "turn": "turn",
    "words": "words",
    "link": "link",
}
_KINDS: Mapping[str, Literal["prose", "link"]] = {"text": "prose", "words": "prose", "link": "link"}


def most_changed(changed: Sequence[EpisodeChanges], limit: int) -> list[EpisodeChanges]:
    """Return the first of the episodes that got worse, of the mixed ones and of those that got better.

    Args:
        changed: Changed episodes, those with the largest losses first.
        limit: Number of episodes of each kind; all if negative.
    """
    return [one for _, some in _directions(changed) for one in (some if limit < 0 else some[:limit])]


def _directions(changed: Sequence[EpisodeChanges]) -> Iterator[tuple[str, list[EpisodeChanges]]]:
    """Yield the headings of the three kinds of episodes, with the most changed episodes of each kind first."""
    yield "worse", [one for one in changed if one.net < 0]
    yield "worse in one thing, better in another", [one for one in changed if one.net == 0]
    yield "better", [one for one in reversed(changed) if one.net > 0]


def changes_text(changed: Sequence[EpisodeChanges], limit: int = -1) -> str:
    """Return the changes as text for a terminal.

    Args:
        changed: Changed episodes, those with the largest losses first.
        limit: Number of episodes of each kind to show; all if negative.
    """
    return "".join(f"{line}\n" for line in _text(changed, limit))


def _text(changed: Sequence[EpisodeChanges], limit: int) -> Iterator[str]:
    if not changed:
        yield ""
        yield "in the trials that both have, no sub-component changed from success to failure, or back"
        return
    for heading, some in _directions(changed):
        if not some:
            continue
        yield ""
        yield f"{heading}: {counted(len(some), 'episode')}"
        shown = some if limit < 0 else some[:limit]
        for one in shown:
            yield f"  {one_line(one.episode)}: {_counts(one)}" + (f"  {one.link}" if one.link else "")
            for change in one.changes:
                yield from _lines(change)
        if len(shown) < len(some):
            yield f"  ... and {len(some) - len(shown)} more; --goals=-1 shows all"


def _counts(one: EpisodeChanges) -> str:
    lost = sum(change.direction == "worse" for change in one.changes)
    gained = len(one.changes) - lost
    return ", ".join([*([f"{lost} lost"] if lost else []), *([f"{gained} gained"] if gained else [])])


def _lines(change: Change) -> Iterator[str]:
    what = one_line(change.text or change.component, _QUOTE)
    yield f"    {change.category}: {change.base} -> {change.new}: {what}"
    for words in _words(change):
        yield f"      {words}"


def _words(change: Change) -> Iterator[str]:
    if change.turn is not None:
        reason = one_line(change.reasoning, _QUOTE)
        yield f"turn {change.turn}" + (f": {reason}" if reason else "")
    elif change.reasoning:
        yield one_line(change.reasoning, _QUOTE)
    for evidence in change.evidence:
        yield f"turn {evidence.turn}, {evidence.speaker}: “{one_line(evidence.quote, _QUOTE)}”"


def changes_tables(changed: Sequence[EpisodeChanges]) -> list[Table]:
    """Return all changes in one table, with a line per sub-component; no table if nothing changed."""
    lines = []
    for one in changed:
        for change in one.changes:
            words = "; ".join(_words(change))
            values = (
                one.episode,
                change.direction,
                change.category.value,
                change.text or change.component,
                change.base,
                change.new,
                change.turn,
                words,
                change.link,
            )
            lines.append(Line(tuple(map(Cell, values))))
    columns = tuple(Column(name, heading, _KINDS.get(name, "value")) for name, heading in _COLUMNS.items())
    return [Table(columns, tuple(lines), "what got worse and better")] if lines else []
