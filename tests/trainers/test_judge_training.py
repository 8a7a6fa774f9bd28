"""A judge that learns from recorded verdicts is served, judges the conversations again, and is compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.engine.run import Run

pytest.importorskip("trl")

PLAY = ["train", "data", "--goals", "concierge:train", "--limit", "2", "--out", "d", "--eval-share", "0"]
TRAIN = [
    *("train", "judge", "--runs", "latest", "--teacher", "checks", "--model", "base", "--out", "judge"),
    *("--eval-share", "0.5", "--max-tokens", "4096", "--max-steps", "3", "--batch", "2", "--learning-rate", "1e-3"),
    *("--preset", "laptop-sft"),
]
JUDGE = [
    *("train", "rejudge", "--runs", "latest", "--judge", "judge", "--held-out", "judge-data", "--without-checks"),
    *("--out", "again"),
]


@pytest.mark.slow
def test_verdicts_are_learned_and_the_learner_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert main(["train", "export-gguf", "smollm2", "--out", "base"]) == 0
    assert main(PLAY) == 0
    (played,) = (tmp_path / ".ugst" / "runs").iterdir()
    assert main(TRAIN) == 0
    assert "the trained judge is in judge" in capfd.readouterr().out
    assert json.loads((tmp_path / "judge" / "ugst.json").read_text())["role"] == "judge"

    assert main(["train", "export-gguf", "judge", "--kind", "q8_0"]) == 0
    assert main(JUDGE) == 0
    again = Run(tmp_path / "again")
    again.journal.refresh()
    (episode,) = again.journal
    answered = [verdict for verdict in episode.verdicts if verdict.by == "judge" and verdict.error is None]
    assert answered, episode.verdicts
    capfd.readouterr()
    assert main(["report", "agreement", str(played), "again"]) == 0
    assert "never moves" in capfd.readouterr().out
