"""Reads a large JSON object member by member: hundreds of megabytes for the memory of the largest member."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

CHUNK = 2**18
MAX_MEMBER = 2**23
"""Characters of one member; a file whose members are longer is not meant for this."""

_BLANK = re.compile(r"[ \t\r\n]*")


_AFTER = frozenset(",:}] \t\r\n")


class JsonStreamError(ValueError):
    """The text is no JSON object, or not one for this reader."""


def _refuse(constant: str) -> None:
    raise JsonStreamError(f"holds {constant}, which is no JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).raw_decode


def members(stream: TextIO) -> Iterator[tuple[str, Any]]:
    """The members of the object that a stream holds, in their order.

    Raises:
        JsonStreamError: If the text is no JSON object, is cut off, nested without end, or has a member that is larger
            than :data:`MAX_MEMBER`; members before that are handed out.
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
    """What to say of text that is no JSON."""
    return JsonStreamError(f"is no valid JSON, perhaps cut off ({where})")


class _Source:
    """A stream, with the part of it that was read and not yet used."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                return ""

    def skip(self) -> None:
        """Take the character that was looked at."""
        self._at += 1

    def expect(self, character: str, where: str) -> None:
        """Take this character.

        Raises:
            JsonStreamError: If there is another.
        """
        if self.peek() != character:
            raise broken(where)
        self.skip()

    def value(self, where: str) -> Any:
        """Take a JSON value.

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
                    # A number may go on in what was not read yet: 1 and then .5
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
                enough = 2 * here  # so that reading it again and again costs no more than twice, in all
            more = self._read()

    def _read(self) -> bool:
        more = self._stream.read(CHUNK)
        self._text, self._at = self._text[self._at :] + more, 0
        return bool(more)
