"""The miniature from end to end, with few steps and goals: what is trained is served and played by the suite."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ugst.runs.reader import open_run

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "miniature.py"


@pytest.mark.slow
def test_what_is_trained_is_served_and_played(tmp_path: Path) -> None:
    call = [sys.executable, str(SCRIPT), "--work", str(tmp_path), "--small"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    log = (tmp_path / "logs" / "sft.log").read_text(encoding="utf-8")
    losses = [float(loss) for loss in re.findall(r"step \d+/\d+: loss ([\d.]+), learning", log)]
    assert len(losses) == 16
    assert min(losses[-3:]) < losses[0] / 2

    for name in ("base", "sft", "grpo"):
        home = tmp_path / "runs" / name
        run = open_run(home, "latest")
        assert {episode.goal.id for episode in run.journal} == {"no-korean-tonight", "a-zoo-in-town", "gallery-crawl"}
        assert all(episode.setting.simulator == name for episode in run.journal)
        # A model that has learned the form speaks; that it speaks well is not for so few steps.
        assert any(episode.conversation.turns for episode in run.journal)
    lineage = json.loads((tmp_path / "grpo" / "ugst.json").read_text(encoding="utf-8"))["lineage"]
    assert [step["method"] for step in lineage] == ["sft", "grpo"]

    # A second call has nothing left to do but the report.
    seconds = (tmp_path / "steps.json").read_text(encoding="utf-8")
    again = subprocess.run(call, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (tmp_path / "steps.json").read_text(encoding="utf-8") == seconds
    assert "ugst report compare" in again.stdout
