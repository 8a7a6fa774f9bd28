"""Tables in Markdown, for the cards of data folders and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.core.text import one_line


def cell(text: str) -> str:
    """Return a text on one line that opens neither a cell nor an HTML element."""
    return one_line(str(text), 400).replace("|", "\\|").replace("<", "&lt;")


def facts_table(values: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table of two columns without a header; what is no text is written as JSON."""
    lines = ["| | |", "| --- | --- |"]
    for name, value in values.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(f"| {cell(name)} | {cell(shown)} |")
    return [*lines, ""]


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, its cells made harmless."""
    lines = ["| " + " | ".join(map(cell, headers)) + " |", "|" + " --- |" * len(headers)]
    return [*lines, *("| " + " | ".join(map(cell, row)) + " |" for row in rows), ""]
