"""Model output on its way to a terminal or a report is made harmless by :mod:`pytest_ugst.core.text`."""

from __future__ import annotations

from pytest_ugst.core.text import one_line, plain

__all__ = ["one_line", "plain"]
