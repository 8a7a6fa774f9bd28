"""Fetch a data set: download the pinned revision, extract the files that are used, verify them, put them in place.

A data set is never half there: the files are unpacked into a folder beside their destination, which is renamed when all
of them are verified. An interrupted download is kept, to be resumed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.domains.download.archive import ArchiveError, extract
from pytest_ugst.domains.download.datasets import DataSet
from pytest_ugst.domains.download.transfer import Progress, download

HOST = "https://codeload.github.com"
"""The host of the archives, unless a mirror is named."""
_OURS = ".fetched-by-pytest-ugst"  # in folders that may be replaced, since they hold nothing of the user's


def fetch(
    data: DataSet,
    home: Path,
    *,
    mirror: str = "",
    notify: Callable[[str], None] = lambda line: None,
    on_progress: Progress | None = None,
    pause: float = 1.0,
) -> Path:
    """Fetch a data set.

    Args:
        data: The data set.
        home: The folder in which the data set gets a folder of its name.
        mirror: A host in place of :data:`HOST`; ``/OWNER/REPOSITORY/tar.gz/REVISION`` is appended.
        notify: Called with a line of text at each step.
        on_progress: Called after each downloaded chunk.
        pause: Seconds before a broken connection is tried again.

    Returns:
        The data set's folder. If it is complete already, nothing is downloaded.

    Raises:
        UgstError: If the data set can't be fetched; with the reason in one line.
    """
    target = home / data.name
    if not data.differing(target):
        notify(f"{data.name} is already there, whole and unchanged: {target}")
        return target
    if target.exists() and not (target / _OURS).exists():
        there = ", ".join(data.differing(target)[:2])
        raise UsageError(f"{target} is there and was not fetched by this command ({there} differ); move it away first")
    notify(f"{data.name} is published by {data.holder} under the {data.licence} licence: {data.origin}")
    url = f"{(mirror or HOST).rstrip('/')}/{quote(data.repository)}/tar.gz/{data.revision}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home, data.name):
            for leftover in home.glob(f".{data.name}.*/"):  # left by a process that was killed
                shutil.rmtree(leftover)
            archive = home / f".{data.name}-{data.revision[:12]}.tar.gz"
            notify(f"downloading {url}")
            download(url, archive, on_progress, pause=pause)
            _unpack(data, archive, home, target)
    except OSError as error:
        raise UsageError(f"can't write {error.filename or home}: {error.strerror}; name a folder by --to") from None
    notify(f"{len(data.files)} files verified by SHA-256 and put into {target}; its licence is in {target / 'LICENSE'}")
    return target


def _unpack(data: DataSet, archive: Path, home: Path, target: Path) -> None:
    """Put the files in place, all of them or none."""
    draft = Path(tempfile.mkdtemp(prefix=f".{data.name}.", dir=home))
    try:
        try:
            extract(archive, data.files, draft)
        except ArchiveError as error:
            _forget(archive)  # resuming it would fail in the same way
            raise UgstError(f"{error}; nothing was changed, and the download was thrown away") from None
        (draft / _OURS).write_text(f"{data.origin}\n", encoding="utf-8")
        draft.chmod(0o755)
        old = Path(tempfile.mkdtemp(prefix=f".{data.name}.", dir=home)) / "old"
        if target.exists():
            target.rename(old)
        draft.rename(target)
        shutil.rmtree(old.parent)
        _forget(archive)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _forget(archive: Path) -> None:
    """Delete a download and its record."""
    archive.unlink(missing_ok=True)
    archive.with_name(f"{archive.name}.json").unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(home: Path, name: str) -> Iterator[None]:
    """Hold the lock of a data set: two commands must not write into one download.

    The system releases the lock however the process ends.
    """
    fd = os.open(home / f".{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another process is fetching {name} into {home}; wait until it is done") from None
        yield
    finally:
        os.close(fd)
