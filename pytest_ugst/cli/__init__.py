"""The ``ugst`` command: a module per command, named after it, and the options that they share in ``options``."""

from pytest_ugst.cli.main import main

__all__ = ["main"]
