"""Claims on episodes: file locks that decide which of several processes plays an episode."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote


def claim_path(folder: Path, episode_id: str) -> Path:
    """Return the lock file of an episode.

    Args:
        folder: The run's folder.
        episode_id: The episode's id; file systems end names at 255 bytes, ids need not.
    """
    name = quote(episode_id, safe="@+")
    if len(name) >= 200:
        name = f"{name[:120]}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return folder / "claims" / f"{name}.lock"


@contextlib.contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Try to hold a claim.

    The operating system releases it when the process ends, however it ends.

    Args:
        path: The lock file; made if need be, with the folders on the way to it.

    Yields:
        Whether this process holds the claim now.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)
