"""A small project for pytester: goals that need no model, a simulator and an agent registered by its conftest.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyte
import pytest

from pytest_ugst.core.episode import Episode

CONFTEST = """
from pytest_ugst.agents.adapt import as_agent
from pytest_ugst.simulators.adapt import as_simulator

def words(messages, goal):
    said = sum(m["role"] == "user" for m in messages)
    return goal.text if said == 0 else f"Once more: {said}" if said < goal.data.get("turns", 2) else "TERMINATE"

def echo(messages):
    return "You said " + messages[-1]["content"]

def pytest_ugst_register(registry):
    registry.simulator("words", lambda argument, context: as_simulator(words, "words"))
    registry.agent("echo", lambda argument, context: as_agent(echo, "echo"))
"""
QUICK = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")
"""For pytest in processes of its own, each of which would import these plugins for the better part of a second."""
INI = """
[pytest]
ugst_sim = words
ugst_agent = echo
"""


def goal(name: str, says: str = "tea", wants: str = "tea", **fields: Any) -> dict[str, Any]:
    """Return a goal whose user says one thing and is to say another; aligned if they are the same."""
    check = {"once": {"user_says": wants}}
    parts = {"policy": [{"text": f"You say {wants}", "check": check}]}
    return {"id": name, "goal": f"You say {says}.", "components": parts, **fields}


def seen(written: str) -> list[str]:
    """Return what stands on a terminal after all that was written to it: its lines, but for empty ones."""
    screen = pyte.Screen(columns=200, lines=100)
    screen.set_mode(pyte.modes.LNM)  # a line feed returns the carriage, as a terminal's driver does
    pyte.Stream(screen).feed(written)
    return [line.rstrip() for line in screen.display if line.strip()]


class ProjectFolder:
    """A project in a folder, for pytest in processes of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "conftest.py").write_text(CONFTEST)
        (path / "tox.ini").write_text(INI)

    def append(self, code: str) -> None:
        """Add to conftest.py; lines that are indented go on with ``pytest_ugst_register(registry)``."""
        with (self.path / "conftest.py").open("a") as file:
            file.write(code)

    def goals(self, name: str, *goals: dict[str, Any]) -> Path:
        """Write a goal file (JSON is YAML)."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n---\n".join(json.dumps(one) for one in goals) + "\n")
        return path

    def tests(self, text: str, name: str = "test_it.py") -> None:
        """Write a test module."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"import pytest\n{text}")

    def launch(self, *args: str, **environ: str) -> pytest.RunResult:
        """Run pytest in a process of its own, with changes of the environment."""
        command = [sys.executable, "-m", "pytest", f"--basetemp={self.path / '.basetemp'}", *QUICK, *args]
        variables = {**os.environ, "HOME": str(self.path), "PY_COLORS": "0", **environ}
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=self.path, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        seconds = time.perf_counter() - start
        return pytest.RunResult(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), seconds)

    def runs(self) -> list[Path]:
        """Return the folders of the runs, from the first to the last."""
        folder = self.path / ".ugst" / "runs"
        return sorted(folder.iterdir(), key=lambda run: run.stat().st_mtime_ns) if folder.is_dir() else []

    def episodes(self, run: int = -1) -> list[Episode]:
        """Return every line of a run's journal."""
        path = self.runs()[run] / "episodes.jsonl"
        return [Episode.model_validate_json(line) for line in path.read_bytes().splitlines() if line.startswith(b"{")]

    def ids(self, run: int = -1) -> list[str]:
        """Return the ids of a run's episodes, in order."""
        return sorted(episode.id for episode in self.episodes(run))

    def results(self, run: int = -1) -> dict[str, Any]:
        """Return the content of a run's results.json."""
        loaded: dict[str, Any] = json.loads((self.runs()[run] / "results.json").read_text())
        return loaded

    def statuses(self, run: int = -1) -> dict[str, dict[str, str]]:
        """Return the final statuses by episode and sub-component."""
        return {episode["id"]: episode["statuses"] for episode in self.results(run)["episodes"]}


class Project(ProjectFolder):
    """A project in pytester's folder, for pytest in this process too."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        super().__init__(pytester.path)

    def run(self, *args: str) -> pytest.RunResult:
        """Run pytest in this process: fast."""
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *args)


def suite_properties(path: Path, cases: int) -> dict[str, str]:
    """Return the properties of the test suite in a JUnit file with so many test cases; a name's values in lines."""
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite is not None
    assert [part.tag for part in suite].count("testcase") == cases
    (node,) = suite.findall("properties")
    values: dict[str, list[str]] = {}
    for one in node:
        values.setdefault(str(one.get("name")), []).append(str(one.get("value")))
    return {name: "\n".join(several) for name, several in values.items()}


def table(lines: Sequence[str]) -> list[str]:
    """Return the summary table's lines in what pytest printed."""
    start = next(i for i, line in enumerate(lines) if "user goal alignment" in line)
    stop = next(i for i, line in enumerate(lines) if i > start and line.startswith("rates in percent"))
    return list(lines[start + 1 : stop])
