"""Sanitising of text from outside before it reaches a terminal or a report.

The text of a model, a tool or a goal file may hold escape sequences that recolour, clear or retitle a terminal, and
characters that turn text around or hide it, so that a reader sees other words than a judge did.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movements, clearing
    # window titles, links, device strings
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
_LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_JOINERS = "\u200c\u200d"  # emoji and several scripts need them
_HIDDEN = frozenset({"Cc", "Cf", "Cs"})
_PLAIN = re.compile(r"[\n\x20-\x7e]*")


def plain(text: str, limit: int | None = None) -> str:
    """Return text without escape sequences, control characters and bidirectional overrides.

    Line breaks stay (all kinds become a newline), a tab becomes a space.

    Args:
        text: Text from outside.
        limit: The most characters to keep, including an ellipsis for the rest.
    """
    if limit is not None and len(text) > 8 * limit + 1_000:
        text = text[: 8 * limit + 1_000]  # nothing behind it can be shown; escape sequences take little room
    if not _PLAIN.fullmatch(text):
        text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)).replace("\t", " ")
        text = "".join(c for c in text if c == "\n" or c in _JOINERS or unicodedata.category(c) not in _HIDDEN)
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)].rstrip() + "…" if limit > 0 else ""
    return text


def counted(count: int, noun: str, verbs: tuple[str, str] | None = None) -> str:
    """Return a count with its noun and verb: ``1 goal has``, ``2 goals have``.

    Args:
        count: The number of things.
        noun: The noun in the singular, with a regular plural.
        verbs: The verb's singular and plural; no verb unless given.
    """
    one = count == 1
    return f"{count} {noun}{'' if one else 's'}" + (f" {verbs[not one]}" if verbs else "")


def one_line(text: str, limit: int | None = None) -> str:
    """Return the :func:`plain` text on one line: every run of blanks and line breaks becomes one space."""
    return plain(" ".join(plain(text, None if limit is None else 4 * limit).split()), limit)
