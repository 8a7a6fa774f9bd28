"""Fixtures of the tests of reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project as the current folder, and a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")


@pytest.fixture
def read_tables(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """Reads the tables that were printed as JSON, by their titles."""

    def read() -> dict[str, Any]:
        return {one["title"]: one for one in json.loads(capsys.readouterr().out)["tables"]}

    return read
