"""The commands as modules (``python -m pytest_ugst.trainers.NAME``), which ``accelerate launch`` and others start."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from pytest_ugst.core.errors import UgstError

_USAGE = 4  # as the ``ugst`` command's


def processes() -> int:
    """Return how many processes train together, as the launcher sets it.

    Accelerate's state does not know of other processes on CPUs before TRL's settings do.
    """
    return int(os.environ.get("WORLD_SIZE", "1"))


def run_module(
    name: str,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], int],
    argv: Sequence[str] | None,
) -> int:
    """Run a command of ``ugst train`` as a module.

    Args:
        name: The name of the module and of the command.
        add_arguments: Adds the command's arguments to a parser.
        run: Runs the command.
        argv: The arguments; the process's own unless given.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m pytest_ugst.trainers.{name}", description=f"As 'ugst train {name}', for launchers."
    )
    add_arguments(parser)
    try:
        return run(parser.parse_args(argv))
    except UgstError as error:
        print(f"ugst: {error}", file=sys.stderr)
        return _USAGE
