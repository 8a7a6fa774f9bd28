"""The data sets that can be fetched: from where, in which revision, and what every file of them has to be.

Nothing of them is part of this package. What is shipped is a list of the files that are read, with their SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a data set."""

    path: str
    """Relative to the set's folder, with ``/``."""
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set: the files of an upstream repository that this package reads."""

    name: str
    repository: str
    """``OWNER/REPOSITORY`` at GitHub."""
    revision: str
    licence: str
    holder: str
    """Whose work it is, as its licence says."""
    files: tuple[DataFile, ...]

    @property
    def origin(self) -> str:
        """For people: where it comes from."""
        return f"github.com/{self.repository} at {self.revision[:12]}"

    def differing(self, folder: Path) -> list[str]:
        """The files that a folder lacks, or holds with another content."""
        return [file.path for file in self.files if not _is_in(folder, file)]


@cache
def datasets() -> Mapping[str, DataSet]:
    """All of them by name."""
    text = resources.files(__package__).joinpath("datasets.json").read_text(encoding="utf-8")
    return {
        name: DataSet(name=name, **{**fields, "files": tuple(DataFile(**file) for file in fields["files"])})
        for name, fields in json.loads(text).items()
    }


def _is_in(folder: Path, file: DataFile) -> bool:
    path = folder / file.path
    try:
        if path.stat().st_size != file.bytes:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False
