"""The settings of all tests."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

# On GitHub, the runs that tests make are not what its summary page is for.
os.environ.pop("GITHUB_STEP_SUMMARY", None)
# What is printed is as wide as where there is no terminal.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# Cores may be shared and slow; how long an example takes says nothing about the code.
settings.register_profile("ugst", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("ugst"), max_examples=300)  # --hypothesis-profile=thorough
settings.load_profile("ugst")


def pytest_collection_finish() -> None:
    """Collect garbage less often: what was collected of thousands of tests is looked through each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the terminal that the tests run in, however wide it is."""

    def no_terminal(*args: int) -> os.terminal_size:
        raise OSError("there is no terminal")

    monkeypatch.setattr(os, "get_terminal_size", no_terminal)
