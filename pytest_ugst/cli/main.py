"""The parser of the ``ugst`` command, and what becomes of the errors of its commands."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache

from pytest_ugst.cli import annotate, baseline, data, goals, prompts, report, show, train
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.text import one_line
from pytest_ugst.core.version import __version__
from pytest_ugst.utils.deprecated import report_old_name

_FAILED = 1
_USAGE = 4  # as pytest's exit status for the same
_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_RENAMED: Mapping[tuple[str, ...], tuple[str, ...]] = {("report", "blame"): ("report", "attribution")}
"""The present names of commands by their old names, which work for one more release."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The command line without the program; that of the process unless given.

    Returns:
        0 if all is well, 1 if something was found to be wrong with the files, 4 for a mistake in the call.
    """
    parser = command_parser()
    args = parser.parse_args(_with_present_name(sys.argv[1:] if argv is None else argv))
    if not hasattr(args, "handler"):
        (args.group if hasattr(args, "group") else parser).print_help()
        return _USAGE
    _replace_unprintable()
    try:
        status: int = args.handler(args)
        sys.stdout.flush()
    except UgstError as error:
        print(f"ugst: {error}", file=sys.stderr)
        return _USAGE
    except BrokenPipeError:  # such as "ugst goals schema | head"
        sys.stderr.close()
        return 0
    except OSError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _with_present_name(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the present name of its command."""
    for old, new in _RENAMED.items():
        if tuple(arguments[: len(old)]) == old:
            report_old_name(" ".join(old), " ".join(new))
            return [*new, *arguments[len(old) :]]
    return list(arguments)


def _report(error: OSError) -> int:
    """Report a full disk, or a file that can't be used, in one line.

    Returns:
        The exit status.

    Raises:
        OSError: If it is another error.
    """
    full = error.errno in _FULL
    if not full and error.filename is None:
        raise error
    file = f": {one_line(str(error.filename), 200)}" if error.filename is not None else ""
    print(f"ugst: {error.strerror}{file}", file=sys.stderr)
    if not full:
        return _USAGE
    with contextlib.suppress(OSError, ValueError):  # what is left in the buffer would fail once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _FAILED


def _replace_unprintable() -> None:
    """Print a question mark for what standard output can't encode, since a traceback would help nobody.

    In the locale of a bare container that is much, and everywhere it is the name of a file that is no text.
    """
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and (out.errors == "strict" or not out.encoding.lower().startswith("utf")):
        out.reconfigure(errors="replace")


class CommandParser(argparse.ArgumentParser):
    """A parser that ends with pytest's exit status for a mistake in the call."""

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse's own never returns either
        """Print usage and message, and exit."""
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


@cache
def command_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, which is made once per process."""
    parser: argparse.ArgumentParser = CommandParser(
        prog="ugst",
        description="Measure, gate and train LLM user simulators. The tests themselves are run by pytest: "
        "'pytest suites --ugst-sim=NAME'; 'pytest --help' lists the --ugst options.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-ugst {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    # In the order of the help.
    for command in (goals, data, report, baseline, train, annotate, show, prompts):
        command.add_command(commands)
    return parser
