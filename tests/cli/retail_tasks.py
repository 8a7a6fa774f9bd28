"""A copy of tau-bench with two tasks, for tests of commands that read goals."""

from __future__ import annotations

from pathlib import Path

TASKS = """
from tau_bench.types import Action, Task
TASKS = [
    Task(annotator="0", user_id="ada", instruction="You are Ada. Cancel.", actions=[], outputs=[]),
    Task(annotator="0", user_id="bob", instruction="You are Bob. Cancel.", actions=[], outputs=[]),
]
"""


def write_tau_bench(data: Path) -> None:
    """Write a folder that holds tau-bench's retail tasks."""
    folder = data / "tau-bench" / "tau_bench" / "envs" / "retail"
    folder.mkdir(parents=True)
    (folder / "tasks_test.py").write_text(TASKS)
