"""Errors of saving: which of them mean that the disk is full, and how a trainer reports them."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line

_QUOTA = "disk quota exceeded"
_FULL = re.compile(
    r"no space left on device"
    rf"|{_QUOTA}"
    # torch.save checks how much of a record was written. Its allocator has checks as well ("enforce fail at
    # alloc_cpu.cpp", out of memory), so the name of the file counts.
    r"|enforce fail at inline_container\.cc"
    r"|file write failed",
    re.IGNORECASE,
)


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error says that the disk, or the user's share of it, is full.

    Every library that writes a checkpoint reports it in its own way: Python and pyarrow raise an :class:`OSError`,
    safetensors a ``SafetensorError``, tokenizers a bare :class:`Exception`, and torch a :class:`RuntimeError`. None of
    these is a lack of memory.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return not isinstance(error, MemoryError) and _FULL.search(str(error)) is not None


def save_error(error: BaseException) -> str:
    """Return why something could not be saved, on one line; a full disk in the operating system's words."""
    if is_disk_full(error):
        quota = _QUOTA in str(error).lower() or (isinstance(error, OSError) and error.errno == errno.EDQUOT)
        return os.strerror(errno.EDQUOT if quota else errno.ENOSPC)
    return one_line(getattr(error, "strerror", None) or str(error), 200)


@contextmanager
def report_save_errors(folder: Path) -> Iterator[None]:
    """Report what goes wrong with files while a model is trained as an error that the user can mend.

    Args:
        folder: Where the checkpoints are saved.

    Raises:
        UsageError: If the disk is full, or the operating system refuses something else. What was saved before is
            whole, and training goes on from it by ``--resume``.
    """
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            message = f"can't save to {folder}: {save_error(error)}; what was saved before is whole. Free some space"
        elif isinstance(error, OSError):
            message = f"training stopped: {one_line(str(error), 200)}; what was saved before is whole. Mend this"
        else:
            raise
        raise UsageError(f"{message} and go on with --resume") from error
