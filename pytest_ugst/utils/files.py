"""Writing of files that another process may read at the same time, and checks of paths."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line


def is_file(path: Path) -> bool:
    """Return whether there is a file; unlike :meth:`pathlib.Path.is_file`, False for a path that can't be looked up."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Return whether there is anything; like :func:`is_file`, False for a path that can't be looked up."""
    return os.path.exists(path)  # noqa: PTH110


def check_target(path: Path, name: str) -> None:
    """Check before the work is done that a file can be written afterwards, as far as that can be known.

    Args:
        path: The file to write.
        name: The option that named it with its value, for messages.

    Raises:
        UsageError: If it is a folder, or lies where no file can be made.
    """
    try:
        target = _target(path)
        if target.is_dir():
            raise UsageError(f"{name}: this is a folder; name a file in it")
        if _is_stream(target):
            there = target
        else:
            target.exists()  # raises if the name is too long
            there = next(folder for folder in target.parents if folder.exists())
            if not there.is_dir():
                raise UsageError(f"{name}: {there} is no folder; name another file")
    except OSError as error:
        raise UsageError(f"{one_line(name, 200)}: {error.strerror}; name another file") from None
    if not os.access(there, os.W_OK):
        raise UsageError(f"{name}: {there} can't be written to; name a file in a folder you can write")


def replace_text(path: Path, text: str) -> None:
    """Write a text file atomically: a process that reads it meanwhile sees the old file or the new one.

    Missing parent folders are made. A link stays a link, and the file that it leads to is replaced; a pipe or a device,
    such as ``/dev/stdout``, is written to.

    Raises:
        UsageError: If it can't be written.
    """
    try:
        target = _target(path)
        if target.is_dir():
            raise UsageError(f"can't write {path}: it is a folder; name a file")
        if _is_stream(target):
            with target.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"can't write {path}: {reason}; name a file in a folder you can write") from None


def write_whole(target: Path, text: str) -> None:
    """Write a text file atomically, as :func:`replace_text` does, where it is a plain file in a folder that exists.

    Raises:
        OSError: If it can't be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, draft)
        draft.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _target(path: Path) -> Path:
    """Return the path to write, with links followed.

    A pipe without a name, such as the one behind ``/dev/stdout``, can only be opened by the given path, since the
    target of its link is no path.
    """
    return path if _is_stream(path) else Path(os.path.realpath(path))


def _is_stream(target: Path) -> bool:
    """Return whether a path is a pipe or a device, which is written to and not replaced."""
    return target.exists() and not target.is_file() and not target.is_dir()
