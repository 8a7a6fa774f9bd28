"""Reading labels of goal states: exported annotations and gold files, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.agreement.label_files import GOLD, read_gold, read_labels, write_labels
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.labels import ERROR, LabelledPart, StateLabels, TurnLabels
from pytest_ugst.core.status import Category, Status

GOLD_LINE: dict[str, Any] = {
    "id": "airline-1",
    "domain": "airline",
    "source": {"file": "x"},
    "goal": "You are Ann. Fly.",
    "components": [
        {"id": "c1", "category": "user_profile", "parent": None, "text": "You are Ann."},
        {"id": "c2", "category": "task_objective", "parent": None, "text": "Fly."},
    ],
    "turns": [
        {
            "turn": 1,
            "user": "Hi",
            "agent": "Hello",
            "tools": [{"name": "find", "arguments": {"a": 1}, "result_head": "x"}],
        },
        {"turn": 2, "user": "Bye ###STOP###", "agent": "", "tools": []},
    ],
    "labels": [
        {"turn": 1, "status": {"c1": "ALIGNED", "c2": "INCOMPLETE"}},
        {"turn": 2, "status": {"c1": "ALIGNED", "c2": "COMPLETE"}},
    ],
    "failures": [{"kind": "none"}],
}
LABELS_LINE: dict[str, Any] = {
    "id": "g@2",
    "annotator": "Ann",
    "components": [{"id": "c", "category": "policy", "text": "Be kind."}],
    "labels": [{"turn": 1, "status": {"c": "ALIGNED"}}],
}


def test_gold_brings_goal_and_conversation(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text("\ufeff" + json.dumps(GOLD_LINE) + "\r\n\n", encoding="utf-8")
    (gold,) = read_gold(path)
    assert (gold.goal.id, gold.goal.text, gold.goal.domain) == ("airline-1", "You are Ann. Fly.", "airline")
    assert [part.category for part in gold.goal.components or ()] == [Category.PROFILE, Category.OBJECTIVE]
    first, last = gold.conversation.turns
    assert (first.agent, first.tool_calls[0].result, last.agent) == ("Hello", "x", None)
    (labels,) = read_labels(path)
    assert labels == gold.labels
    assert (labels.annotator, labels.labels[1].status["c2"]) == (GOLD, Status.COMPLETE)
    assert labels.digest


@given(
    st.lists(
        st.builds(
            StateLabels,
            id=st.text(min_size=1, max_size=9),
            annotator=st.text(min_size=1, max_size=9),
            components=st.just((LabelledPart(id="c", category=Category.POLICY, text="…\u2028"),)),
            labels=st.lists(st.sampled_from([*list(Status)[:2], ERROR]), max_size=3).map(
                lambda said: tuple(TurnLabels(turn=i, status={"c": label}) for i, label in enumerate(said, 1))
            ),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda labels: (labels.annotator, labels.id),
    )
)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, records: list[StateLabels]) -> None:
    path = tmp_path_factory.mktemp("labels") / "a.jsonl"
    assert write_labels(path, records) == len(records)
    assert read_labels(path) == records


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b'{"id": "g"', ":1: is no valid JSON, perhaps cut off"),
        (b"[1]\n", ":1: holds no JSON object"),
        (b'{"schema_version": 1, "verdicts": []}\n', "this is an episode of a run; name the run's folder"),
        (b'{"x": 1}\n', "no record of labels"),
        (json.dumps({**LABELS_LINE, "labels_version": 7}).encode(), "labels_version 7; this version reads 1"),
        (json.dumps({**LABELS_LINE, "annotator": ""}).encode(), ":1: annotator: String should have at least 1"),
        (json.dumps({**LABELS_LINE, "rating": 3}).encode(), ":1: rating: Extra inputs are not permitted"),
        ((json.dumps(LABELS_LINE) + "\n").encode() * 2, ":2: Ann has labelled 'g@2' in line 1 already"),
        (
            json.dumps({**LABELS_LINE, "labels": [{"turn": 1, "status": {"c": "COMPLETE"}}]}).encode(),
            ":1: labels: turn 1, 'c': COMPLETE is no status of category policy",
        ),
        (
            json.dumps({**LABELS_LINE, "labels": [{"turn": 1, "status": {"c": "DONE"}}]}).encode(),
            ":1: labels.0.status.c: Input should be 'ALIGNED', 'MISALIGNED', ",
        ),
        (json.dumps({**GOLD_LINE, "turns": 5}).encode(), ":1: turns: "),
        (
            json.dumps({**GOLD_LINE, "labels": [{"turn": 1, "status": {"c9": "ALIGNED"}}]}).encode(),
            ":1: labels: turn 1 names 'c9', which is no sub-component",
        ),
    ],
)
def test_bad_files_are_told_in_a_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_labels(path)
    assert message in str(caught.value)
    assert "bad.jsonl" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.jsonl can't be read: No such file or directory; name a run or a file"):
        read_labels(tmp_path / "none.jsonl")
