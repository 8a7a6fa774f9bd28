"""Errors that a person is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class UgstError(Exception):
    """Base of every error this project raises on purpose.

    The message is one line for a person: what is wrong, where, and what to do about it.
    """


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
    field = ".".join(str(part)[:60] for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")[:300]
    return f"{field}: {said}" if field else said


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, with the nearest known one or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return f"unknown {kind} {name!r}; {hint}"
