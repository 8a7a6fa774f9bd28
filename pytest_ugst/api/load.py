"""Loading goals and runs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pytest_ugst.api.options import Register, listed_tags, make_options, make_registry
from pytest_ugst.api.run import Run
from pytest_ugst.core.goal import Goal
from pytest_ugst.roles.goal_lookup import find_goals
from pytest_ugst.runs.reader import open_run, unplayed_outcomes


def load_goals(
    names: Any,
    *,
    split: str | None = None,
    tags: Collection[str] = (),
    data: str | Path | None = None,
    register: Register | None = None,
) -> list[Goal]:
    """Load goals from files or goal sources.

    Args:
        names: A goal file (``*.goal.yaml``, ``*.goal.jsonl``) or a folder of them, the name of a goal source
            (``"concierge"``, ``"concierge:test"``, ``"airline"``), or a list of these.
        split: Keep the goals of this split; None keeps all.
        tags: Keep the goals that carry all of these.
        data: A folder in which benchmark data is looked for first.
        register: As for :func:`simulate`: registers goal sources of your own.

    Raises:
        UsageError: If there are none; names file, line and field where a file is wrong.

    Example:
        >>> import pytest_ugst as ugst
        >>> goals = ugst.load_goals("concierge:test")
        >>> len(goals), goals[0].domain
        (32, 'concierge')
    """
    settings = make_options({} if data is None else {"data": str(data)})
    registry = make_registry(settings, register)
    return find_goals(names, split, listed_tags(tags), registry=registry, folders=(Path.cwd(),))


def load_run(name: str | Path = "latest", *, dir: str | Path = ".ugst") -> Run:
    """Load a run that was played, by pytest or by :func:`simulate`.

    Args:
        name: A run's name, its folder, its ``episodes.jsonl``, or ``"latest"``.
        dir: The folder in which runs are kept.

    Raises:
        UsageError: If there is no such run, or it holds no finished episode.

    Example:
        >>> import pytest_ugst as ugst
        >>> played = ugst.simulate("concierge:test", cache="off")
        >>> ugst.load_run(played.folder).rates == played.rates
        True
    """
    stored = open_run(Path.cwd() / dir, str(name))
    stored.failures = {one.id: one.error or "" for one in unplayed_outcomes(stored)}
    return Run(stored)
