"""A reader of large JSON objects, member by member: it needs memory for the largest member only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

CHUNK = 2**18
"""The number of characters that are read at once."""
MAX_MEMBER = 2**23
"""The most characters of a member."""

_BLANK = re.compile(r"[ \t\r\n]*")


_AFTER = frozenset(",:}] \t\r\n")


class JsonStreamError(ValueError):
    """A text that is no JSON object, or none that this reader can read."""


def _refuse(constant: str) -> None:
    raise JsonStreamError(f"holds {constant}, which is no JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).raw_decode


def members(stream: TextIO) -> Iterator[tuple[str, Any]]:
    """Read the members of the JSON object that a stream holds.

    Args:
        stream: An open text file.

    Yields:
        The name and the value of each member, in their order.

    Raises:
        JsonStreamError: If the text is no JSON object, is cut off, nested too deeply, or has a member that is larger
            than :data:`MAX_MEMBER`; the members before that have been yielded.
    """
    source = _Source(stream)
    if source.peek() != "{":
        raise JsonStreamError("is no JSON object")
    source.skip()
    separator, after = "", "at its beginning"
    while source.peek() != "}":
        if separator:
            source.expect(separator, after)
        if source.peek() != '"':
            raise broken(after)
        key = source.value(after)
        separator, after = ",", f"at {key[:80]!r}"
        source.expect(":", after)
        yield key, source.value(after)
    source.skip()
    if source.peek():
        raise JsonStreamError("goes on after the end of its JSON object")


def broken(where: str) -> JsonStreamError:
    """Return the error for text that is no JSON."""
    return JsonStreamError(f"is no valid JSON, perhaps cut off ({where})")


class _Source:
    """A stream, with the part of it that was read and not used yet."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Return the next character that is no blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                return ""

    def skip(self) -> None:
        """Take the character that :meth:`peek` returned."""
        self._at += 1

    def expect(self, character: str, where: str) -> None:
        """Take a character.

        Raises:
            JsonStreamError: If the next one is another.
        """
        if self.peek() != character:
            raise broken(where)
        self.skip()

    def value(self, where: str) -> Any:
        """Take a JSON value, and return it.

        Raises:
            JsonStreamError: If there is none, or it is too large.
        """
        self.peek()
        enough, more = 0, True
        while True:
            here = len(self._text) - self._at
            if here >= enough or not more:
                try:
                    found, end = _decode(self._text, self._at)
                    # A number may continue in the part that was not read yet: 1 and then .5
                    if not more or self._text[end : end + 1] in _AFTER:
                        self._at = end
                        return found
                except RecursionError:
                    raise JsonStreamError(f"is nested too deeply ({where})") from None
                except json.JSONDecodeError:
                    if not more:
                        raise broken(where) from None
                if here > MAX_MEMBER:
                    raise JsonStreamError(f"is no valid JSON, or larger than this can be ({where})")
                enough = 2 * here  # so that parsing it repeatedly costs no more than twice as much in all
            more = self._read()

    def _read(self) -> bool:
        more = self._stream.read(CHUNK)
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(more)
