"""Writing files that somebody else may be reading."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line


def is_file(path: Path) -> bool:
    """Whether there is a file; unlike :meth:`pathlib.Path.is_file`, False as well for what can't be looked at."""
    return os.path.isfile(path)  # noqa: PTH113


def exists(path: Path) -> bool:
    """Whether there is anything; as :func:`is_file`, False for what can't be looked at."""
    return os.path.exists(path)  # noqa: PTH110


def check_target(path: Path, told: str) -> None:
    """Say before the work is done that a file can't be written afterwards, as far as that can be known.

    Args:
        path: The file to write.
        told: The option that named it and its value, for messages.

    Raises:
        UsageError: If it is a folder, or lies where no file can be made.
    """
    try:
        target = _target(path)
        if target.is_dir():
            raise UsageError(f"{told}: this is a folder; name a file in it")
        if _takes_a_stream(target):
            there = target
        else:
            target.exists()  # says as well whether the name is too long
            there = next(folder for folder in target.parents if folder.exists())
            if not there.is_dir():
                raise UsageError(f"{told}: {there} is no folder; name another file")
    except OSError as error:
        raise UsageError(f"{one_line(told, 200)}: {error.strerror}; name another file") from None
    if not os.access(there, os.W_OK):
        raise UsageError(f"{told}: {there} can't be written to; name a file in a folder you can write")


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole: whoever reads it meanwhile sees the old one or the new one, never half of one.

    Folders on the way to it are made. A link stays a link, and the file that it leads to is replaced; a pipe or a
    device, such as ``/dev/stdout``, is written to.

    Raises:
        UsageError: If it can't be written.
    """
    try:
        target = _target(path)
        if target.is_dir():
            raise UsageError(f"can't write {path}: it is a folder; name a file")
        if _takes_a_stream(target):
            with target.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, text)
    except OSError as error:
        told = error.strerror or str(error)
        raise UsageError(f"can't write {path}: {told}; name a file in a folder you can write") from None


def write_whole(target: Path, text: str) -> None:
    """As :func:`replace_text`, for a plain file in a folder that is there.

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
    """What is to be written, with links followed.

    A pipe without a name, such as the one behind ``/dev/stdout``, is only to be had by the path that was given: where
    its link leads to is no path.
    """
    return path if _takes_a_stream(path) else Path(os.path.realpath(path))


def _takes_a_stream(target: Path) -> bool:
    """Whether something that is no folder is a pipe or a device: not to be replaced, but written to."""
    return target.exists() and not target.is_file() and not target.is_dir()
