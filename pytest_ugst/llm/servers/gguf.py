"""A reader of the metadata of GGUF files: the few fields that are needed before a server loads a file.

The layout follows the GGUF specification (version 2 and 3): magic, version, counts, then typed key-value pairs. Only
the requested fields are decoded, the others are skipped. The file is untrusted: every length is checked.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from pytest_ugst.core.errors import UsageError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_FIELDS = 100_000
_MAX_STRING = 16 * 2**20
_MAX_ITEMS = 16 * 2**20

Scalar = str | int | float | bool


class _BrokenFileError(Exception):
    """Raised if the content of a file violates the specification."""


class _Reader:
    """Reads the values of a file in order."""

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

    def length(self, maximum: int) -> int:
        value = self.number("Q")
        if value > maximum:
            raise _BrokenFileError(f"a length of {value} makes no sense")
        return value

    def text(self) -> str:
        return self.take(self.length(_MAX_STRING)).decode("utf-8", "replace")

    def value(self, kind: int) -> Scalar | None:
        """Read a scalar or a string; skip an array and return None."""
        if kind == _STRING:
            return self.text()
        if kind in _SCALARS:
            code = "<" + _SCALARS[kind]
            scalar: Scalar = struct.unpack(code, self.take(struct.calcsize(code)))[0]
            return scalar
        if kind != _ARRAY:
            raise _BrokenFileError(f"unknown value type {kind}")
        inner, count = self.number("I"), self.length(_MAX_ITEMS)
        if inner in _SCALARS:
            self.file.seek(struct.calcsize("<" + _SCALARS[inner]) * count, 1)
        elif inner == _STRING:
            for _ in range(count):
                self.file.seek(self.length(_MAX_STRING), 1)
        else:
            raise _BrokenFileError(f"an array of type {inner}")
        return None


def read_metadata(path: Path, keys: Collection[str]) -> dict[str, Scalar]:
    """Read scalar and string fields.

    Args:
        path: The GGUF file.
        keys: The names of the fields; a leading ``*.`` stands for the architecture (``*.context_length``).

    Returns:
        The fields that are in the file, by the names in ``keys``.

    Raises:
        UsageError: If the file can't be read or is no GGUF file.
    """
    suffixes = {key[1:] for key in keys if key.startswith("*.")}
    found: dict[str, Scalar] = {}
    try:
        with path.open("rb") as file:
            reader = _Reader(file)
            if reader.take(4) != b"GGUF":
                raise _BrokenFileError("it does not begin with GGUF")
            version = reader.number("I")
            if version not in (2, 3):
                raise _BrokenFileError(f"version {version} is not known")
            reader.number("Q")  # the number of tensors
            for _ in range(reader.length(_MAX_FIELDS)):
                key = reader.text()
                value = reader.value(reader.number("I"))
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
