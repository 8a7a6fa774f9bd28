"""The ``ugst`` command: one module per command, and the options that they share."""

from pytest_ugst.cli.main import main

__all__ = ["main"]
