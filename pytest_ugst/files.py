"""Writing files that somebody else may be reading."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pytest_ugst.core.errors import UsageError


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole: whoever reads it meanwhile sees the old one or the new one, never half of one.

    Raises:
        UsageError: If it can't be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        told = error.strerror or str(error)
        raise UsageError(f"can't write {path}: {told}; name a file in a folder you can write") from None
