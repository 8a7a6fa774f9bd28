"""Errors that a person is meant to read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pytest_ugst.core.text import one_line, plain

if TYPE_CHECKING:
    from pydantic import ValidationError


_MEMBER = re.compile(r"(str-enum|literal)\[")


class UgstError(Exception):
    """Base of every error this project raises on purpose.

    The message is one line for a person: what is wrong, where, and what to do about it. What it quotes from files and
    models is made harmless for a terminal.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(plain(message))


class UsageError(UgstError):
    """The user's input is at fault: an option, a goal file, a missing key. Exit status 4 in pytest."""


class GoalFileError(UsageError):
    """A goal file is malformed; the message names file, line, field and the remedy."""


class RoleError(UgstError):
    """A role (simulator, agent or judge) could not do its part of one episode."""


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, as ``field: fault``; the fault alone where no field is at fault.

    A file from outside chooses the names of its fields, and some faults repeat a value: neither gets a page of room.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # Of a union, which of its members was tried: nothing that stands in the input.
    parts = [part for part in first["loc"] if not (isinstance(part, str) and _MEMBER.match(part))]
    field = ".".join(one_line(str(part), 60) for part in parts)
    said = one_line(first["msg"].removeprefix("Value error, "), 300)
    return f"{field}: {said}" if field else said


def unknown(kind: str, name: str, known: Iterable[str], about: Mapping[str, str] | None = None) -> str:
    """Say that a name is unknown, with the nearest known one or all of them.

    Args:
        kind: What it is the name of.
        name: The name.
        known: Those there are.
        about: What some of them are, told where all are listed.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"unknown {kind} {name!r}; did you mean {near[0]!r}?"
    more = about or {}
    listed = ", ".join(f"{one} ({more[one]})" if one in more else one for one in names)
    return f"unknown {kind} {name!r}; known: {listed or 'none'}"
