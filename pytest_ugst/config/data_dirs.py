"""Where the data is that users bring themselves: tau-bench, tau2-bench, MultiWOZ.

Looked for in this order: the folder of ``--ugst-data``, the environment variable ``UGST_DATA``, the user's cache folder
(where ``ugst data fetch`` puts it). Each may hold the sets by name, or be one of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pytest_ugst.core.errors import UsageError

MARKS: Mapping[str, tuple[str, ...]] = {
    "tau-bench": ("tau_bench/envs",),
    "tau2-bench": ("data/tau2/domains",),
    "multiwoz": ("db/train_db.json", "db/hotel_db.json"),
}
"""What is in each set's folder, and tells it from others."""

_chosen: list[Path] = []


class DataMissing(UsageError):
    """A data set is not on this machine."""


def use(folder: Path | None) -> None:
    """Look in ``folder`` first from now on, or nowhere but in the usual places."""
    _chosen[:] = [folder] if folder is not None else []


def cache_folder() -> Path:
    """Where fetched data is kept."""
    from platformdirs import user_cache_path

    return user_cache_path("pytest-ugst") / "data"


def locate(name: str) -> Path:
    """The folder of a data set.

    Args:
        name: A key of :data:`MARKS`.

    Raises:
        DataMissing: With the two ways to get it.
    """
    marks = MARKS[name]
    environment = os.environ.get("UGST_DATA", "")
    for place in (*_chosen, *([Path(environment)] if environment else []), cache_folder()):
        for folder in (place / name, place):
            if all((folder / mark).exists() for mark in marks):
                return folder
    raise DataMissing(
        f"the {name} data is not here: run 'ugst data fetch {name}', or set UGST_DATA (or --ugst-data) to a folder "
        f"that holds {name}/{marks[0]}"
    )
