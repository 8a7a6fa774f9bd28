"""The folders of the shipped goals and suites."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(kind: str) -> Path:
    """Return the folder of what is shipped: in the installed package, or at the top of a clone.

    Args:
        kind: ``goals`` or ``suites``.
    """
    inside = _PACKAGE / "_shipped" / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind
