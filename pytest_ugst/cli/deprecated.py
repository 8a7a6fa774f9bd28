"""Old names of commands and options, which work for one more release and print a line on standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

RENAMED_COMMANDS: Mapping[tuple[str, ...], tuple[str, ...]] = {("report", "blame"): ("report", "attribution")}
"""The present names of commands by their old names."""


def with_present_names(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the present name of its command."""
    for old, new in RENAMED_COMMANDS.items():
        if tuple(arguments[: len(old)]) == old:
            _notify(" ".join(old), " ".join(new))
            return [*new, *arguments[len(old) :]]
    return list(arguments)


def add_renamed_option(parser: argparse.ArgumentParser, name: str, old: str, **settings: Any) -> None:
    """Add an option that takes a value, and that can be given by its old name too.

    Args:
        parser: The command's parser.
        name: The present name, the only one that help and errors show.
        old: The old name.
        **settings: Arguments of :meth:`argparse.ArgumentParser.add_argument`.
    """
    action = parser.add_argument(name, old, action=_StoreRenamed, **settings)
    # The parser has registered both names by now; this list is what help and errors show.
    action.option_strings = [name]


class _StoreRenamed(argparse.Action):
    """Stores the value of an option, and reports where it was given by its old name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the value."""
        (present,) = self.option_strings
        if option_string is not None and option_string != present:
            _notify(option_string, present)
        setattr(namespace, self.dest, values)


def _notify(old: str, new: str) -> None:
    print(f"ugst: {old!r} is called {new!r} now; the old name will not work in the next release", file=sys.stderr)
