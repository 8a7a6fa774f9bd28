"""Every example does what its README.md says: its commands are run in a copy, and print what stands below them."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_ugst.cli import main
from pytest_ugst.cli.main import command_parser
from pytest_ugst.config.options import OPTIONS
from tests.examples.readmes import EXAMPLES, assert_printed, read_commands

FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/README.md"))


class Example:
    """A copy of an example in pytester's folder."""

    def __init__(self, name: str, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = pytester.path / name
        shutil.copytree(EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns(".ugst", "__pycache__"))

    def run_readme(self) -> list[int]:
        """Run the commands of README.md in this process.

        Returns:
            Their exit statuses.
        """
        statuses = []
        for block in read_commands(self.folder / "README.md"):
            printed = ""
            for command in block.lines if block.run else ():
                status, output = self.run(command)
                statuses.append(status)
                printed += output
            if block.run:
                assert_printed(block.printed, printed)
        return statuses

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        """Run one command.

        Returns:
            Its exit status, and what it printed.
        """
        program, *arguments = command
        if program == "pytest":
            result = self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)
            return int(result.ret), result.stdout.str()
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = main(arguments) if program == "ugst" else _run_script(arguments)
        return status, out.getvalue()


def _run_script(arguments: Sequence[str]) -> int:
    (script,) = arguments
    known = set(sys.modules)
    sys.path.insert(0, str(Path.cwd()))
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.path.remove(str(Path.cwd()))
        for name in set(sys.modules) - known:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(Path.cwd()):
                del sys.modules[name]
    return 0


@pytest.fixture
def example(request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Example:
    copy = Example(request.param, pytester)
    monkeypatch.chdir(copy.folder)
    monkeypatch.setenv("COLUMNS", "80")  # tables fit the terminal
    return copy


@pytest.mark.parametrize(
    ("example", "statuses"),
    [("own_agent", [0, 1, 0]), ("own_domain", [0, 1, 0]), ("own_judge", [0, 0])],
    indirect=["example"],
)
def test_the_commands_print_what_the_readme_says(example: Example, statuses: list[int]) -> None:
    assert example.run_readme() == statuses


@pytest.mark.parametrize("example", ["ci_gate"], indirect=True)
def test_the_gate_passes_and_fails_and_the_baseline_is_what_would_be_saved_now(example: Example) -> None:
    file = example.folder / "baselines" / "main.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert example.run_readme() == [0, 0, 1, 0]
    assert {**json.loads(file.read_text(encoding="utf-8")), "run": kept["run"]} == kept


def test_the_workflow_runs_the_command_of_the_readme() -> None:
    workflow = yaml.safe_load((EXAMPLES / "ci_gate/.github/workflows/simulator.yml").read_text(encoding="utf-8"))
    runs = [step["run"] for step in workflow["jobs"]["gate"]["steps"] if "run" in step]
    blocks = read_commands(EXAMPLES / "ci_gate" / "README.md")
    assert runs[-1].split() in [list(line) for block in blocks for line in block.lines]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_commands_that_no_test_runs_can_be_parsed(folder: Path) -> None:
    """Model names, keys and hours are what they lack here, and nothing else."""
    flags = {option.flag for option in OPTIONS}
    for block in read_commands(folder / "README.md"):
        for program, *arguments in block.lines:
            if program == "ugst":
                assert hasattr(command_parser().parse_args(arguments), "handler")
            elif program == "pytest":
                assert {a.partition("=")[0] for a in arguments if a.startswith("--ugst")} <= flags


def test_the_index_names_every_example() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {folder.name for folder in FOLDERS}
    assert all(f"({folder.name}/README.md)" in index for folder in FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_examples_import_the_public_api_alone(folder: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    notebooks: list[Any] = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.ipynb")]
    texts += ["".join(cell["source"]) for notebook in notebooks for cell in notebook["cells"]]
    assert not any("pytest_ugst." in text for text in texts)


@pytest.mark.slow
@pytest.mark.parametrize("example", ["grpo_on_a_cpu"], indirect=True)
def test_training_on_a_cpu(example: Example) -> None:
    pytest.importorskip("trl")
    ugst = str(Path(sys.executable).with_name("ugst"))
    (block, *_) = [block for block in read_commands(example.folder / "README.md") if block.run]
    printed = ""
    for program, *arguments in block.lines:
        assert program == "ugst"
        done = subprocess.run([ugst, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        printed += done.stdout
    expected = [part for line in block.printed for part in (line, "...")]
    assert_printed(expected, printed, numbers=False)

    lineage = json.loads((example.folder / "checkpoints/grpo/ugst.json").read_text(encoding="utf-8"))["lineage"]
    assert [step["method"] for step in lineage] == ["sft", "grpo"]
    completions = (example.folder / "checkpoints/grpo/completions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in completions] == [0, 0]
