"""A small project for pytester: goals that need no model, a simulator and an agent registered by its conftest.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    """A goal whose user says one thing and is to say another; aligned if they are the same."""
    check = {"once": {"user_says": wants}}
    parts = {"policy": [{"text": f"You say {wants}", "check": check}]}
    return {"id": name, "goal": f"You say {says}.", "components": parts, **fields}


def seen(written: str) -> list[str]:
    """What stands on a terminal after all that was written to it: its lines, but for empty ones."""
    screen = pyte.Screen(columns=200, lines=100)
    screen.set_mode(pyte.modes.LNM)  # a line feed returns the carriage, as a terminal's driver does
    pyte.Stream(screen).feed(written)
    return [line.rstrip() for line in screen.display if line.strip()]


class Project:
    """A project in pytester's folder."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path: Path = pytester.path
        pytester.makeconftest(CONFTEST)
        pytester.makeini(INI)

    def goals(self, name: str, *goals: dict[str, Any]) -> Path:
        """Write a goal file (JSON is YAML)."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n---\n".join(json.dumps(one) for one in goals) + "\n")
        return path

    def tests(self, text: str, name: str = "test_it.py") -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"import pytest\n{text}")

    def run(self, *args: str) -> pytest.RunResult:
        """In this process: fast."""
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *args)

    def launch(self, *args: str) -> pytest.RunResult:
        """In a process of its own."""
        return self.pytester.runpytest_subprocess(*QUICK, *args, timeout=60)

    def runs(self) -> list[Path]:
        folder = self.path / ".ugst" / "runs"
        return sorted(folder.iterdir(), key=lambda run: run.stat().st_mtime_ns) if folder.is_dir() else []

    def episodes(self, run: int = -1) -> list[Episode]:
        """Every line of a run's journal."""
        path = self.runs()[run] / "episodes.jsonl"
        return [Episode.model_validate_json(line) for line in path.read_bytes().splitlines() if line.startswith(b"{")]

    def ids(self, run: int = -1) -> list[str]:
        return sorted(episode.id for episode in self.episodes(run))

    def results(self, run: int = -1) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.runs()[run] / "results.json").read_text())
        return loaded


def table(lines: Sequence[str]) -> list[str]:
    """The summary table's lines in what pytest printed."""
    start = next(i for i, line in enumerate(lines) if "user goal alignment" in line)
    stop = next(i for i, line in enumerate(lines) if i > start and line.startswith("rates in percent"))
    return list(lines[start + 1 : stop])
