"""The ``ugst`` command, where its output can not be written as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from tests.factories import record
from tests.policy_episodes import episode

HOME = Path(".ugst")


def ugst(*arguments: str, **environment: str) -> list[str]:
    variables = [f"{name}={value}" for name, value in environment.items()]
    return ["env", *variables, sys.executable, "-m", "pytest_ugst.cli", *arguments]


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record(HOME, "one", *(episode(name, {"x": name != "c"}) for name in "abc"))


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_what_the_terminal_can_not_show_is_a_question_mark(environment: dict[str, str]) -> None:
    done = subprocess.run(ugst("report", "table", "one", **environment), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"0?100" in done.stdout
    assert done.stderr == b""


def test_a_file_may_have_a_name_that_is_no_text() -> None:
    name = b"page-\xff.html"
    done = subprocess.run([*ugst("report", "html", "one", "--out"), name], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"page-")
    assert Path(os.fsdecode(name)).exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "table", "x" * 300),
        ("report", "agreement", "x" * 300),
        ("report", "html", "one", "--baseline", "x" * 300 + ".json"),
        ("report", "table", "one", "--out", "x" * 300 + ".md"),
        ("baseline", "save", "one", "--out", "x" * 300),
        ("goals", "lint", "x" * 300),
    ],
)
def test_a_name_that_is_too_long_gets_one_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 4
    shown = capsys.readouterr()
    assert shown.err.startswith("ugst: ")
    assert len(shown.err.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk_gets_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            ugst("report", "table", "one"), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "ugst: No space left on device\n")


def test_a_reader_that_has_enough_is_no_error() -> None:
    with subprocess.Popen(ugst("goals", "schema"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
