"""The small data sets, written once per session of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.domains.tau import small_tau


@pytest.fixture(scope="session")
def tau_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small tau-bench and a small tau2-bench."""
    return small_tau.write(tmp_path_factory.mktemp("tau"))
