"""A run's folder: it holds one run, and knows what can be resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.run_folder import RunFolder, RunRecord

Method = Literal["sft", "grpo"]
METHODS: tuple[Method, ...] = ("sft", "grpo")


def open_folder(folder: Path, method: Method = "sft", *, resume: bool = False, **changed: Any) -> RunFolder:
    settings = {"model": "owner/model", "data": "d1", "judge": None} | {
        k: v for k, v in changed.items() if k in ("model", "data", "judge")
    }
    options = {"learning_rate": 1e-6, "keep": 1} | {k: v for k, v in changed.items() if k not in settings}
    record = RunRecord(method, settings, options, frozenset({"keep"}))
    return RunFolder.open(folder, record, resume=resume, checkpoints="steps" if method == "grpo" else "")


def write_checkpoint(run: RunFolder, step: int, state: str | None = "{}") -> Path:
    folder = run.checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    if state is not None:
        (folder / "trainer_state.json").write_text(state)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_folder_holds_one_run(tmp_path: Path, method: Method) -> None:
    out = tmp_path / "out"
    run = open_folder(out, method)
    run.begin()
    write_checkpoint(run, 2)
    with pytest.raises(UsageError, match="holds a run already; go on with it by --resume"):
        open_folder(out, method)
    assert open_folder(out, method, resume=True, keep=3).last_step() == 2
    with pytest.raises(UsageError, match="begun with another learning_rate; call it as before"):
        open_folder(out, method, resume=True, learning_rate=1e-3)
    with pytest.raises(UsageError, match="begun with another judge"):
        open_folder(out, method, resume=True, judge="other")


@pytest.mark.parametrize("made", ["model.safetensors", "completions.jsonl"])
def test_whatever_a_run_has_made_is_not_lost(tmp_path: Path, made: str) -> None:
    open_folder(tmp_path).begin()
    (tmp_path / made).touch()
    with pytest.raises(UsageError, match="holds a run already"):
        open_folder(tmp_path)


def test_a_run_that_made_nothing_can_be_begun_anew_with_other_options(tmp_path: Path) -> None:
    run = open_folder(tmp_path)
    run.begin()
    write_checkpoint(run, 1, None)  # cut off
    open_folder(tmp_path, learning_rate=1e-3).begin()
    assert json.loads((tmp_path / "sft.json").read_text())["options"]["learning_rate"] == 1e-3


def test_a_call_that_fails_before_its_first_step_leaves_the_folder_free(tmp_path: Path) -> None:
    open_folder(tmp_path / "out", learning_rate=-1)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("resume", [False, True])
def test_other_things_are_left_alone(tmp_path: Path, resume: bool) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds notes\.txt and no GRPO run"):
        open_folder(tmp_path, "grpo", resume=resume)
    with pytest.raises(UsageError, match=r"holds notes\.txt and no SFT run"):
        open_folder(tmp_path, resume=resume)


def test_logs_of_servers_and_hidden_files_are_no_other_things(tmp_path: Path) -> None:
    (tmp_path / "servers").mkdir()
    (tmp_path / ".saving-1").mkdir()
    assert open_folder(tmp_path, resume=True).last_checkpoint() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", r"sft\.json is damaged"), ("null", "another format"), ('{"format": 2}', "another format")],
)
def test_a_damaged_record_is_reported(tmp_path: Path, text: str, message: str) -> None:
    open_folder(tmp_path).begin()
    (tmp_path / "sft.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        open_folder(tmp_path, resume=True)


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="name a folder you can write"):
        open_folder(tmp_path / "out")


@pytest.mark.parametrize("method", METHODS)
def test_a_checkpoint_that_was_not_written_to_its_end_does_not_count(tmp_path: Path, method: Method) -> None:
    run = open_folder(tmp_path / "out", method)
    assert (run.last_checkpoint(), run.last_step()) == (None, 0)
    for number, text in ((9, '{"a": 1}'), (10, '{"a": 1}'), (11, '{"a"'), (12, None)):
        write_checkpoint(run, number, text)
    last = run.last_checkpoint()
    assert last is not None
    assert last.name == "checkpoint-10"
    assert run.last_step() == 10


RECORDS: dict[Method, dict[str, Any]] = {
    "sft": {"kind": "simulator", "model": "/m", "data": "d"},
    "grpo": {"model": "/m", "data": "d", "judge": "checks", "agent": None},
}


@pytest.mark.parametrize("method", METHODS)
def test_runs_of_earlier_versions_go_on(tmp_path: Path, method: Method) -> None:
    """The record as versions before this class wrote it."""
    options = {"learning_rate": 1e-6, "keep": 1}
    held = {"format": 1, **RECORDS[method], "options": options}
    (tmp_path / f"{method}.json").write_text(json.dumps(held, indent=2) + "\n")
    (tmp_path / "model.safetensors").touch()
    record = RunRecord(method, RECORDS[method], options, frozenset())
    run = RunFolder.open(tmp_path, record, resume=True)
    run.begin()
    assert json.loads((tmp_path / f"{method}.json").read_text()) == held
