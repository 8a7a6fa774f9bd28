"""Recorded conversations of tau-bench are read as conversations, and what is none of them is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.recordings.tau_bench import Recording, read_recordings, with_todays_fields


def asks(name: str, arguments: str) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def trial(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    task = {
        "user_id": "ada_1",
        "instruction": "You are Ada.",
        "actions": [{"name": "cancel", "kwargs": {"id": "A1"}}],
        "outputs": ["7"],
    }
    info = {"task": task, "source": "user", "reward_info": {"reward": 1.0, "info": {"gt_data_hash": "abc"}}}
    return {"task_id": 3, "trial": 1, "reward": 1.0, "info": info, "traj": list(messages), **more}


def says(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def read(folder: Path, *trials: Any) -> list[Recording]:
    path = folder / "recorded.json"
    path.write_text(json.dumps(list(trials)), encoding="utf-8")
    return list(read_recordings(path, "airline"))


def test_a_trial_becomes_a_conversation(tmp_path: Path) -> None:
    (found,) = read(
        tmp_path,
        trial(
            says("system", "The policy."),
            says("user", "Hello."),
            asks("find", '{"id": "A1"}'),
            {"role": "tool", "tool_call_id": "c1", "content": '{"province": "NY"}'},
            says("assistant", "Found it."),
            says("user", "Cancel it. ###STOP###"),
            asks("cancel", "{}"),
            {"role": "tool", "tool_call_id": "c1", "content": "Error: no"},
            says("user", "###STOP###"),
        ),
    )
    first, second = found.conversation.turns
    assert (first.user, first.agent) == ("Hello.", "Found it.")
    assert (first.tool_calls[0].name, first.tool_calls[0].arguments) == ("find", {"id": "A1"})
    assert with_todays_fields(first.tool_calls[0].result) == '{"state": "NY"}'
    assert (second.user, second.agent, second.tool_calls[0].ok) == ("Cancel it.", None, False)
    assert (found.trial, found.reward, found.finished, found.reference_hash) == (1, 1.0, True, "abc")
    assert found.goal.data["compat"] == "v1"
    assert found.goal.data["upstream"]["actions"] == [{"name": "cancel", "arguments": {"id": "A1"}}]
    assert found.goal.data["upstream"]["outputs"] == ["7"]


def test_a_trial_that_was_cut_off(tmp_path: Path) -> None:
    cut = trial(says("user", "Hello."))
    cut["info"]["reward_info"] = None
    (found,) = read(tmp_path, cut)
    assert (found.finished, found.reference_hash) == (False, None)
    assert found.conversation.turns[0].agent is None


@pytest.mark.parametrize(
    ("trials", "problem"),
    [
        ([trial(says("tool", "7"))], "a result of the tool call None, which nobody made"),
        ([trial(asks("x", "{"), {"role": "tool", "tool_call_id": "c1", "content": ""})], "arguments of x are no JSON"),
        (
            [trial(asks("x", "[1]"), {"role": "tool", "tool_call_id": "c1", "content": ""})],
            "arguments of x are no JSON",
        ),
        ([{"task_id": 1}], "0.trial"),
        ([7], "0: "),
    ],
)
def test_what_is_no_recording(tmp_path: Path, trials: list[Any], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, *trials)
    assert str(tmp_path / "recorded.json") in str(caught.value)
    assert problem in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        list(read_recordings(tmp_path / "none.json", "airline"))
    path = tmp_path / "cut.json"
    path.write_text('[{"task_id": 1,', encoding="utf-8")
    with pytest.raises(UsageError, match="no valid JSON, perhaps cut off"):
        list(read_recordings(path, "airline"))
