"""JSON inside an HTML page: escaped so that no text can end the element around it, and compressed where it is long."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
CHUNK = 256 * 1024
"""Characters of JSON after which a chunk is closed: few enough to be decompressed between two key presses."""


def embed(value: Any) -> str:
    """Return JSON for a ``<script type="application/json">`` element.

    The JSON is ASCII without ``<``, ``>`` and ``&``: whatever the texts in it, it contains no tag, no comment, no
    character reference and no line separator. Unpaired surrogates are kept, as escapes.

    Args:
        value: JSON-like data; numbers that JSON can't represent become null.
    """
    return _dump(value).translate(_MARKUP)


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except ValueError:  # a number that JSON can't represent, from a journal that another program wrote
        loaded = json.loads(json.dumps(value), parse_constant=lambda name: None)
        return json.dumps(loaded, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


class Chunks:
    """Records in compressed chunks (gzip, base64), each of them a JSON list."""

    def __init__(self, size: int = CHUNK) -> None:
        """Create an empty collection.

        Args:
            size: Characters of JSON after which a chunk is closed.
        """
        self._size = size
        self._open: list[str] = []
        self._length = 0
        self._packed: list[str] = []

    def add(self, record: Any) -> tuple[int, int]:
        """Add a record.

        Returns:
            The number of the record's chunk and its position in it, both from 0.
        """
        text = _dump(record)
        if self._open and self._length + len(text) > self._size:
            self._close()
        self._open.append(text)
        self._length += len(text)
        return len(self._packed), len(self._open) - 1

    def packed(self) -> Iterator[str]:
        """Yield the chunks in base64; no record can be added afterwards."""
        self._close()
        yield from self._packed

    def _close(self) -> None:
        if self._open:
            data = f"[{','.join(self._open)}]".encode("ascii")
            # Without a time stamp, so that the same run gives the same page.
            self._packed.append(base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii"))
        self._open, self._length = [], 0
