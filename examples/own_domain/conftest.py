"""Registers the domain, and the roles that work with it."""

from __future__ import annotations

import pytest_ugst as ugst
from own_domain.library import Library
from own_domain.roles import Librarian, Readers


def pytest_ugst_register(registry: ugst.Registry) -> None:
    """Give each of them a name."""
    registry.domain("library", Library())  # "domain: library" in a goal
    registry.agent("librarian", lambda argument, context: Librarian(hasty=argument == "hasty"))  # --ugst-agent
    registry.simulator("reader", lambda argument, context: Readers())  # --ugst-sim
