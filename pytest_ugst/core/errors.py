"""The base classes of errors, and the wording of frequent ones."""

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
    """The base of every error that this project raises on purpose.

    The message is one line for a person: what is wrong, where, and what to do about it.

    Example:
        >>> import pytest_ugst as ugst
        >>> issubclass(ugst.UsageError, ugst.UgstError)
        True
    """

    def __init__(self, message: str = "") -> None:
        """Make the error.

        Args:
            message: One line; what it quotes from files and models is made harmless for a terminal.
        """
        super().__init__(plain(message))


class UsageError(UgstError):
    """A mistake in the user's input: an option, a goal file, a missing key. Exit status 4 in pytest.

    Example:
        >>> import pytest_ugst as ugst
        >>> try:
        ...     ugst.load_goals("concierg")
        ... except ugst.UsageError as error:
        ...     print(error)
        unknown goal source 'concierg'; did you mean 'concierge'?; nor is there such a file or folder
    """


class GoalFileError(UsageError):
    r"""A malformed goal file; the message names file, line, field and the remedy.

    Example:
        >>> import pathlib, pytest_ugst as ugst
        >>> _ = pathlib.Path("tea.goal.yaml").write_text("id: tea\n")
        >>> try:
        ...     ugst.load_goals("tea.goal.yaml")
        ... except ugst.GoalFileError as error:
        ...     print(error)  # doctest: +ELLIPSIS
        /...tea.goal.yaml:1: goal: is missing; add 'goal: ...'
    """


class RoleError(UgstError):
    """The failure of a role (simulator, agent or judge) to do its part of an episode.

    Example:
        >>> import pytest_ugst as ugst
        >>> def agent(messages):
        ...     raise ValueError("no power")
        >>> run = ugst.simulate(ugst.load_goals("concierge:test")[:1], agent=agent, cache="off")
        >>> print(next(iter(run)).conversation.error)  # doctest: +ELLIPSIS
        the agent 'agent' failed: ValueError: no power ...
    """


def first_fault(error: ValidationError) -> str:
    """Return the first fault of a validation error as ``field: fault``, or the fault alone where no field is at fault.

    Both parts are limited in length, since a file from outside chooses the names of its fields, and some faults repeat
    a value.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # Pydantic names the member of a union that it tried, which is nothing that stands in the input.
    parts = [part for part in first["loc"] if not (isinstance(part, str) and _MEMBER.match(part))]
    field = ".".join(one_line(str(part), 60) for part in parts)
    fault = one_line(first["msg"].removeprefix("Value error, "), 300)
    return f"{field}: {fault}" if field else fault


def unknown(kind: str, name: str, known: Iterable[str], about: Mapping[str, str] | None = None) -> str:
    """Return the message that a name is unknown, with the nearest known one or all of them.

    Args:
        kind: The kind of thing that has the name, such as ``model``.
        name: The unknown name.
        known: The known names.
        about: Explanations of some known names, given where all are listed.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"unknown {kind} {name!r}; did you mean {near[0]!r}?"
    more = about or {}
    listed = ", ".join(f"{one} ({more[one]})" if one in more else one for one in names)
    return f"unknown {kind} {name!r}; known: {listed or 'none'}"
