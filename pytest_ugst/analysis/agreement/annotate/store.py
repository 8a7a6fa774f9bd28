"""Annotations on disk: one file per annotator in a run's folder, written whole after every change."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from pytest_ugst.analysis.agreement.annotate.record import ANNOTATIONS_VERSION, Annotations
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.utils.files import replace_text

FOLDER = "annotations"
"""The folder of annotations in a run's folder."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


def check_name(name: str) -> str:
    """Return the name of an annotator if it can name a file.

    Raises:
        UsageError: If it can't.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--annotator={name[:80]!r}: write up to 60 letters, digits, '-', '_' and '.', starting with a letter or "
            "digit"
        )
    return name


def file_of(run: Path, annotator: str) -> Path:
    """Return the file of an annotator's work on a run."""
    return run / FOLDER / f"{check_name(annotator)}.json"


def load(path: Path, annotator: str, episodes: Iterable[Episode] = ()) -> Annotations:
    """Read an annotator's work, empty if there is none yet.

    Args:
        path: The file.
        annotator: The name that the file must have been written for.
        episodes: Episodes of the run, which the annotations must fit.

    Raises:
        UsageError: If the file can't be read, or does not fit annotator or episodes.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Annotations(annotator=annotator)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    try:
        found = Annotations.model_validate_json(data)
    except ValidationError as error:
        raise UsageError(
            f"{path}: {first_fault(error)}; this version reads annotations of format "
            f"{ANNOTATIONS_VERSION}; mend the file or move it away"
        ) from None
    if found.annotator != annotator:
        raise UsageError(f"{path} is the work of {found.annotator!r}; name the file after the annotator")
    try:
        found.require(episodes)
    except UsageError as error:
        raise UsageError(f"{path}: {error}; mend the file or move it away") from None
    return found


def save(path: Path, annotations: Annotations) -> None:
    """Write an annotator's work; a reader sees either the old file or the new one.

    Raises:
        UsageError: If the file can't be written.
    """
    replace_text(path, annotations.model_dump_json(indent=1) + "\n")


def annotators(run: Path) -> list[str]:
    """Return the names of the annotators of a run, sorted."""
    return sorted(path.stem for path in (run / FOLDER).glob("*.json") if _NAME.fullmatch(path.stem))


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Lock an annotator's file against other processes, as the last one to write would win.

    Raises:
        UsageError: If another process holds the lock.
    """
    lock = path.with_name(f".{path.stem}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(f"can't write {lock.parent}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"{path.stem} is at work on this run in another process; stop that one, or take another --annotator"
            ) from None
        yield
    finally:
        os.close(fd)
