"""Old names of options, which work for one more release and print a line on standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any


def add_renamed_option(parser: argparse.ArgumentParser, name: str, old: str, **settings: Any) -> None:
    """Add an option that can be given by its old name too.

    Args:
        parser: The command's parser.
        name: The present name, the only one that help and errors show.
        old: The old name.
        **settings: Arguments of :meth:`argparse.ArgumentParser.add_argument`. A flag has ``nargs=0`` and the value to
            store as ``const``.
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
            report_old_name(option_string, present)
        setattr(namespace, self.dest, self.const if self.nargs == 0 else values)


def report_old_name(old: str, new: str) -> None:
    """Print that something has another name now."""
    print(f"ugst: {old!r} is called {new!r} now; the old name will not work in the next release", file=sys.stderr)
