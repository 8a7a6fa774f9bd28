"""The command ``ugst train sft`` as a module (``python -m pytest_ugst.trainers.sft``), for accelerate and others."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pytest_ugst.trainers.common.launching import run_module
from pytest_ugst.trainers.sft.command import add_arguments, run


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    return run_module("sft", add_arguments, run, argv)


if __name__ == "__main__":  # a process that is spawned by this one imports the module again
    sys.exit(main())
