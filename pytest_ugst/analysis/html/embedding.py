"""JSON inside of an HTML page: such that no text can end the element it stands in, and packed where it is long."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
CHUNK = 256 * 1024
"""Characters of JSON after which a chunk is closed: small enough to be unpacked between two key presses."""


def embed(value: Any) -> str:
    """JSON for a ``<script type="application/json">`` element.

    ASCII only and without ``<``, ``>`` and ``&``: whatever the text is, it holds no tag, no comment, no character
    reference and no line separator. Half surrogate pairs stay as they are, as escapes.
    """
    return _dump(value).translate(_MARKUP)


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a number that JSON can't hold, from a journal that somebody else wrote
        loaded = json.loads(json.dumps(value), parse_constant=lambda name: None)
        return json.dumps(loaded, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


class Chunks:
    """Records in packed chunks (gzip, base64), each of them a JSON list."""

    def __init__(self, size: int = CHUNK) -> None:
        self._size = size
        self._open: list[str] = []
        self._length = 0
        self._packed: list[str] = []

    def add(self, record: Any) -> tuple[int, int]:
        """Take a record in.

        Returns:
            The number of its chunk and its place there, from 0.
        """
        text = _dump(record)
        if self._open and self._length + len(text) > self._size:
            self._close()
        self._open.append(text)
        self._length += len(text)
        return len(self._packed), len(self._open) - 1

    def packed(self) -> Iterator[str]:
        """The chunks, base64; nothing can be added after that."""
        self._close()
        yield from self._packed

    def _close(self) -> None:
        if self._open:
            data = f"[{','.join(self._open)}]".encode("ascii")
            # No time stamp: the same run gives the same page.
            self._packed.append(base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii"))
        self._open, self._length = [], 0
