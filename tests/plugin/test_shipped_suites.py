"""The shipped suites run everywhere: what can't be played here is skipped, and says what it takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ugst.config.shipped import shipped
from pytest_ugst.domains.download.datasets import datasets
from tests.plugin_project import QUICK

MODELS = {
    "test_airline.py": "give --ugst-sim=MODEL, --ugst-agent=MODEL and --ugst-judge=MODEL",
    "test_retail.py": "give --ugst-sim=MODEL, --ugst-agent=MODEL and --ugst-judge=MODEL",
    "test_multiwoz_challenge.py": "--ugst-agent=MODEL and --ugst-judge=MODEL",
}
NEEDED = {"test_airline.py": "tau-bench", "test_retail.py": "tau-bench", "test_multiwoz_challenge.py": "multiwoz"}


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    suites = shipped("suites")
    chosen = ("--ugst-dir", str(pytester.path / "runs"), "-o", "ugst_data=", "-o", "pythonpath=.", *options)
    return pytester.runpytest_inprocess(
        str(suites), "-c", str(suites.parent / "pyproject.toml"), *QUICK, "-q", "-rs", *chosen
    )


def test_without_data_and_models(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UGST_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path))
    result = run(pytester, "-k", "no-data or multiwoz or dinner-and-puppets")
    text = result.stdout.str()
    assert result.ret == pytest.ExitCode.OK, text
    assert int(result.parseoutcomes()["passed"]) > 0
    for file, data in NEEDED.items():
        assert f"ugst: {file} (" in text
        assert f"ugst data fetch {data}" in text


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with the benchmarks")
@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ((), {"test_airline.py": 50, "test_retail.py": 115, "test_multiwoz_challenge.py": 150}),
        (("-m", "dev"), {"test_retail.py": 20}),
    ],
)
def test_without_models(pytester: pytest.Pytester, options: tuple[str, ...], counts: dict[str, int]) -> None:
    assert all(not data.differing(Path(os.environ["UGST_DATA"]) / name) for name, data in datasets().items())
    result = run(pytester, "-k", "not concierge", *options)
    text = result.stdout.str()
    assert result.ret == pytest.ExitCode.OK, text
    told = [line for line in text.splitlines() if line.startswith("ugst: test_")]
    for file, count in counts.items():
        (line,) = [line for line in told if line.startswith(f"ugst: {file} ({count} skipped): ")]
        assert line.endswith(MODELS[file])
    assert result.parseoutcomes()["skipped"] == sum(counts.values())
