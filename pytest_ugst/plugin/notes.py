"""Notes that the processes of one pytest-xdist session leave for each other in files, which xdist has no way for.

A worker's usage error would not reach the controlling process whole; that the session is to stop would not reach the
workers.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_KINDS = ("stop", "error", "headline", "planned")


class XdistSession(NamedTuple):
    """The facts that all processes of one session have to agree on."""

    id: str
    run: str
    """The run's name, or its folder where one is resumed."""
    begun: str
    """When the session began; UTC, ISO 8601."""
    baseline: str = ""
    """What is compared with, as JSON."""


XDIST: pytest.StashKey[XdistSession] = pytest.StashKey()
"""On the config of the controlling process of pytest-xdist."""


class SharedRun(NamedTuple):
    """Facts that another process has settled for this one; none in a single process."""

    name: str | None = None
    """The run's name, or its folder where one is resumed."""
    served: Mapping[str, Any] | None = None
    """The models that the controlling process serves."""
    workers: int = 0
    """Number of processes that play the run's episodes; 0 in a single process."""
    stop_file: Path | None = None
    """A file that appears when all of them are to stop."""
    begun: str = ""
    """When the session began; UTC, ISO 8601."""
    baseline: str = ""
    """What the run is compared with, as JSON."""


def note_path(session_id: str, kind: str) -> Path:
    """Return the file of a note; ``kind`` is ``stop``, ``error``, ``headline`` or ``planned``."""
    return Path(tempfile.gettempdir()) / f"ugst-{session_id}.{kind}"


def take_note(config: pytest.Config, kind: str) -> str:
    """Read and remove what a worker of this session noted; empty where it noted nothing."""
    session = config.stash.get(XDIST, None)
    if session is None:
        return ""
    path = note_path(session.id, kind)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    path.unlink(missing_ok=True)
    return text


def planned_by_workers(config: pytest.Config) -> tuple[str, ...] | None:
    """Return the ids of the episodes that the workers have set out to play; None if they have not."""
    text = take_note(config, "planned")
    return tuple(json.loads(text)) if text else None


def remove_notes(config: pytest.Config) -> None:
    """Remove all notes of this session."""
    if (session := config.stash.get(XDIST, None)) is not None:
        for kind in _KINDS:
            note_path(session.id, kind).unlink(missing_ok=True)
