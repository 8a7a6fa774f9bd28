"""Reading runs that were played, for everything that works on journals."""

from __future__ import annotations

from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.engine.run import EPISODES_FILE, Run, find_run


def open_run(home: Path, name: str) -> Run:
    """A run to read, with its journal read once.

    Args:
        home: The folder that holds ``runs``.
        name: A run's name, its folder, its ``episodes.jsonl``, or ``latest``.

    Raises:
        UsageError: If there is no such run, its journal can't be read or is of another format, or holds no episode.
    """
    path = Path(name)
    if path.name == EPISODES_FILE and path.is_file():
        name = str(path.parent)
    run = find_run(home, name, option="")
    run.journal.refresh()
    if not len(run.journal):
        torn = f"; {run.journal.torn} lines could not be read" if run.journal.torn else ""
        raise UsageError(f"{run.journal.path} holds no finished episode{torn}; name another run")
    return run
