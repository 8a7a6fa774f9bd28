"""What a GGUF file says of itself: a reader of the few metadata fields that matter before a server loads it.

The layout is that of the GGUF specification (version 2 and 3): magic, version, counts, then typed key-value pairs.
Only what is asked for is decoded; the rest is skipped. The file is untrusted: every length is checked.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from pytest_ugst.core.errors import UsageError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST_FIELDS = 100_000
_LONGEST_STRING = 16 * 2**20
_MOST_ITEMS = 16 * 2**20

Scalar = str | int | float | bool


class _BrokenFileError(Exception):
    pass


class _Cursor:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def take(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) != size:
            raise _BrokenFileError("it ends early")
        return data

    def number(self, code: str) -> int:
        (value,) = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))
        return int(value)

    def length(self, most: int) -> int:
        value = self.number("Q")
        if value > most:
            raise _BrokenFileError(f"a length of {value} makes no sense")
        return value

    def text(self) -> str:
        return self.take(self.length(_LONGEST_STRING)).decode("utf-8", "replace")

    def value(self, kind: int) -> Scalar | None:
        """A scalar or a string; None for an array, which is skipped."""
        if kind == _STRING:
            return self.text()
        if kind in _SCALARS:
            code = "<" + _SCALARS[kind]
            scalar: Scalar = struct.unpack(code, self.take(struct.calcsize(code)))[0]
            return scalar
        if kind != _ARRAY:
            raise _BrokenFileError(f"unknown value type {kind}")
        inner, count = self.number("I"), self.length(_MOST_ITEMS)
        if inner in _SCALARS:
            self.file.seek(struct.calcsize("<" + _SCALARS[inner]) * count, 1)
        elif inner == _STRING:
            for _ in range(count):
                self.file.seek(self.length(_LONGEST_STRING), 1)
        else:
            raise _BrokenFileError(f"an array of type {inner}")
        return None


def read_metadata(path: Path, keys: Collection[str]) -> dict[str, Scalar]:
    """Read the named scalar and string fields.

    Args:
        path: The GGUF file.
        keys: Field names; a leading ``*.`` stands for the architecture (``*.context_length``).

    Raises:
        UsageError: If the file can't be read or is no GGUF file.
    """
    suffixes = {key[1:] for key in keys if key.startswith("*.")}
    found: dict[str, Scalar] = {}
    try:
        with path.open("rb") as file:
            cursor = _Cursor(file)
            if cursor.take(4) != b"GGUF":
                raise _BrokenFileError("it does not begin with GGUF")
            version = cursor.number("I")
            if version not in (2, 3):
                raise _BrokenFileError(f"version {version} is not known")
            cursor.number("Q")
            for _ in range(cursor.length(_MOST_FIELDS)):
                key = cursor.text()
                value = cursor.value(cursor.number("I"))
                suffix = key[key.find(".") :]
                if value is None:
                    continue
                if key in keys:
                    found[key] = value
                elif suffix in suffixes:
                    found["*" + suffix] = value
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    except _BrokenFileError as error:
        raise UsageError(f"{path} is not a usable GGUF file: {error}; download or convert it again") from None
    return found
