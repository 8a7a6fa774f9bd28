"""Distilling a judge: rows are what the judge is asked and what it answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_ugst.cli import main
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.status import Status
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.judges.answers import ANSWERS
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.runs.run import StoredRun
from pytest_ugst.trainers.data.folder import read_data
from pytest_ugst.trainers.judge.examples import (
    balance_statuses,
    build_judge_data,
    judge_examples,
    verdict_as_answer,
)
from tests.trainers.supper_episodes import supper

PROMPTS = Prompts.load()
EVIDENCE = Evidence(turn=1, speaker="user", quote="A table")


def test_a_row_is_what_the_judge_was_asked() -> None:
    episode = supper()
    judge = LlmJudge(cast(Any, None), PROMPTS)
    parts = {c.id: c for c in episode.components}
    rows = list(judge_examples(episode, PROMPTS))
    assert len(rows) == len(episode.verdicts)
    for (row, label), verdict in zip(rows, episode.verdicts, strict=True):
        part = parts[verdict.component]
        assert [m.model_dump() for m in row.prompt] == judge.messages(part, episode.conversation, verdict.turn)
        assert label == f"{part.category} {verdict.status}"


def test_the_target_is_an_answer_that_a_judge_may_give() -> None:
    note = " (2 quoted passage(s) not found in the conversation left out)"
    verdict = Verdict(
        component="supper", turn=1, status=Status.COMPLETE, reasoning=f"done{note}", evidence=(EVIDENCE,), by="judge"
    )
    part = next(c for c in supper().components if c.id == "supper")
    read = ANSWERS[part.category].model_validate(json.loads(verdict_as_answer(verdict)))
    assert (read.status, read.reasoning, read.evidence[0].quote) == (Status.COMPLETE, "done", "A table")


def test_whose_verdicts_count() -> None:
    by_rule = [v.model_copy(update={"by": "checks"}) for v in supper().verdicts[:2]]
    failed = Verdict(component="supper", turn=1, error="no answer", by="judge")
    checks = supper(verdicts=(*by_rule, failed))
    assert list(judge_examples(checks, PROMPTS)) == []
    assert len(list(judge_examples(checks, PROMPTS, "checks"))) == 2


def test_common_statuses_are_thinned_out() -> None:
    rows = [(row, "policy ALIGNED") for row, _ in judge_examples(supper(), PROMPTS)] * 10
    pairs = [*rows, *[(rows[0][0], "policy MISALIGNED")] * 15]
    labels = [label for _, label in balance_statuses(pairs, 0)]
    assert labels.count("policy ALIGNED") == 30
    assert labels.count("policy MISALIGNED") == 15
    assert balance_statuses(pairs, 0) == balance_statuses(pairs, 0)


def test_a_data_folder_for_a_judge(tmp_path: Path) -> None:
    made = build_judge_data([supper("a"), supper("b")], PROMPTS, tmp_path / "d", eval_share=0.5)
    data = read_data(tmp_path / "d", kind="judge")
    assert data.info == made
    assert len(data.train) == len(data.eval) == 6
    with pytest.raises(UsageError, match="teaches a judge"):
        read_data(tmp_path / "d")
    with pytest.raises(UsageError, match="no verdict by 'nobody'"):
        build_judge_data([supper("a")], PROMPTS, tmp_path / "e", teacher="nobody")


def test_conversations_are_judged_again_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    play = ["train", "data", "--goals", "concierge:train", "--limit", "2", "--out", "d", "--eval-share", "0"]
    assert main(play) == 0
    (played,) = (tmp_path / ".ugst" / "runs").iterdir()
    assert main(["train", "rejudge", "--runs", "latest", "--judge", "checks", "--out", "again"]) == 0
    one, two = StoredRun(played), StoredRun(tmp_path / "again")
    for run in (one, two):
        run.journal.refresh()
    assert [e.final_state.statuses() for e in one.journal] == [e.final_state.statuses() for e in two.journal]
    capsys.readouterr()
    assert main(["report", "agreement", str(played), "again"]) == 0
    assert "100.0" in capsys.readouterr().out
