"""The data sets that can be fetched: origin, revision, and the files with their digests.

The data itself is not part of this package. Only the list of the files that are read is shipped, with their SHA-256.
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
    """A file of a data set."""

    path: str
    """Path relative to the data set's folder, with ``/``."""
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: the files of an upstream repository that this package reads."""

    name: str
    repository: str
    """Name of the GitHub repository, ``OWNER/REPOSITORY``."""
    revision: str
    """Commit of the repository."""
    licence: str
    """Name of the licence."""
    holder: str
    """Copyright holder, as named in the licence."""
    files: tuple[DataFile, ...]
    """The files that this package reads."""

    @property
    def origin(self) -> str:
        """Readable name of the repository and revision."""
        return f"github.com/{self.repository} at {self.revision[:12]}"

    def differing(self, folder: Path) -> list[str]:
        """Return the paths of files that a folder lacks or has with another content."""
        return [file.path for file in self.files if not _is_in(folder, file)]


@cache
def datasets() -> Mapping[str, DataSet]:
    """Return all data sets by name."""
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
