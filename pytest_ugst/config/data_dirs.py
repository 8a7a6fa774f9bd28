"""The folders of the data that users bring themselves: tau-bench, tau2-bench, MultiWOZ.

A data set is looked for in this order: the folder of ``--ugst-data``, the environment variable ``UGST_DATA``, the
user's cache folder (where ``ugst data fetch`` puts it). Each of these folders may hold the sets by name, or be one of
them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_ugst.core.errors import UsageError

MARKS: Mapping[str, tuple[str, ...]] = {
    "tau-bench": ("tau_bench/envs",),
    "tau2-bench": ("data/tau2/domains",),
    "multiwoz": ("db/train_db.json", "db/hotel_db.json"),
}
"""The paths by which each set's folder is recognised."""


class DataMissingError(UsageError):
    """A data set is not on this machine."""


@dataclass(frozen=True, slots=True)
class DataDirs:
    """The folders in which data sets are looked for."""

    first: Path | None = None
    """The folder that is searched before the usual places."""

    def locate(self, name: str) -> Path:
        """Return the folder of a data set.

        Args:
            name: A key of :data:`MARKS`.

        Raises:
            DataMissingError: If no folder holds it; the message gives the two ways to get it.
        """
        marks = MARKS[name]
        environment = os.environ.get("UGST_DATA", "")
        places = (*([self.first] if self.first else []), *([Path(environment)] if environment else []), cache_folder())
        for place in places:
            for folder in (place / name, place):
                if all((folder / mark).exists() for mark in marks):
                    return folder
        raise DataMissingError(
            f"the {name} data is not here: run 'ugst data fetch {name}', or set UGST_DATA (or --ugst-data) to a folder "
            f"that holds {name}/{marks[0]}"
        )


USUAL_PLACES = DataDirs()
"""The folders in which data is looked for unless an option names one."""


def cache_folder() -> Path:
    """Return the folder in which fetched data is kept."""
    from platformdirs import user_cache_path

    return user_cache_path("pytest-ugst") / "data"
