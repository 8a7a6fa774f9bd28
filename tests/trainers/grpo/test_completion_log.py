"""The log of completions."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_ugst.trainers.grpo.completion_log import CompletionLog


def test_a_resumed_run_forgets_what_it_is_going_to_sample_again(tmp_path: Path) -> None:
    log = CompletionLog(tmp_path)
    log.append({"step": step, "text": "ä"} for step in range(5))
    with log.path.open("a") as file:
        file.write('{"step": 2, "te')  # torn
    log.forget_after(3)
    assert [json.loads(line)["step"] for line in (tmp_path / "completions.jsonl").read_text().splitlines()] == [0, 1, 2]


def test_every_process_has_a_log_of_its_own(tmp_path: Path) -> None:
    CompletionLog(tmp_path, 1).append([{"step": 0}])
    assert [path.name for path in tmp_path.iterdir()] == ["completions-1.jsonl"]
    CompletionLog(tmp_path).forget_after(0)
