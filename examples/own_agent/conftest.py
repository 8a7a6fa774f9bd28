"""What this folder's tests play with: the agent under test, and a user for it."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_ugst as ugst
from own_agent.coffee_bar import CoffeeBar, coffee_bar
from own_agent.guest import Guests


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option that chooses the agent."""
    parser.addoption("--bar", choices=("class", "function"), default="class", help="the agent to test")


@pytest.fixture(scope="session")
def agent(request: pytest.FixtureRequest) -> Any:
    """The agent under test, in place of the one that --ugst-agent names."""
    return coffee_bar if request.config.getoption("--bar", "class") == "function" else CoffeeBar()


def pytest_ugst_register(registry: ugst.Registry) -> None:
    """Give the rule-based user a name: ``--ugst-sim=guest``."""
    registry.simulator("guest", lambda argument, context: Guests())
