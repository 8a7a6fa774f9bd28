"""The built wheel, installed in a clean environment outside the repository, does the main job."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import blocks, read

ROOT = Path(__file__).parents[2]
OWN_GOAL = next(block.text for block in blocks(read("README.md"), "yaml") if block.text.startswith("id: "))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and nothing of the repository."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True, capture_output=True)
    return python


def run(python: Path, cwd: Path, *args: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "UGST"))}
    return subprocess.run([python, "-m", "pytest", *args], cwd=cwd, env=clean, capture_output=True, text=True)


@pytest.mark.slow
def test_no_generic_name_lands_in_site_packages(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pytest_ugst"}


@pytest.mark.slow
def test_shipped_suite_runs(installed: Path, tmp_path: Path) -> None:
    result = run(installed, tmp_path, "--pyargs", "pytest_ugst._shipped.suites", "-q")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "user goal alignment" in result.stdout
    assert "32 episodes (32 user ended)" in result.stdout


@pytest.mark.slow
def test_own_goal_file_runs(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.goal.yaml").write_text(OWN_GOAL)
    result = run(installed, tmp_path, "-v")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "mine.goal.yaml::dinner-for-two PASSED" in result.stdout


@pytest.mark.slow
def test_page_of_a_run_is_written(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.goal.yaml").write_text(OWN_GOAL)
    result = run(installed, tmp_path, "--ugst-html=page.html")
    assert result.returncode == 0, result.stdout + result.stderr
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "dinner-for-two" in page


@pytest.mark.slow
def test_command_runs(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.goal.yaml").write_text(OWN_GOAL)
    ugst = installed.parent / "ugst"
    result = subprocess.run([ugst, "goals", "lint", tmp_path], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 file, 1 goal" in result.stdout
