"""The description of a checkpoint: written and read, absent or damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.checkpoint_info import (
    INFO_FILE,
    STOP_WORDS,
    CheckpointInfo,
    TrainingStep,
    checkpoint_folder,
    read_checkpoint_info,
)
from pytest_ugst.simulators.termination import read_ending
from tests.strategies import counts, json_objects, words

steps = st.builds(
    TrainingStep, method=st.sampled_from(["sft", "grpo"]), base=words, rows=counts, steps=counts, options=json_objects
)
infos = st.builds(
    CheckpointInfo,
    role=st.sampled_from(["simulator", "judge"]),
    reasoning=st.sampled_from(["think", "none"]),
    prompts=words,
    stop_words=st.lists(words, max_size=2).map(tuple),
    sampling=json_objects,
    lineage=st.lists(steps, max_size=2).map(tuple),
)


@given(infos)
def test_it_survives_being_written(info: CheckpointInfo) -> None:
    assert CheckpointInfo.model_validate_json(info.model_dump_json()) == info


def test_a_folder_without_one_is_no_trained_checkpoint(tmp_path: Path) -> None:
    assert read_checkpoint_info(tmp_path) is None
    assert read_checkpoint_info(tmp_path / "nowhere") is None
    (tmp_path / INFO_FILE).mkdir()
    assert read_checkpoint_info(tmp_path) is None


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (tmp_path / INFO_FILE).write_text(json.dumps({"lineage": [{"method": "sft", "base": "owner/model"}]}))
    info = read_checkpoint_info(str(tmp_path))
    assert info == CheckpointInfo(lineage=(TrainingStep(method="sft", base="owner/model"),))
    assert (info.format, info.role, info.reasoning) == (1, "simulator", "none")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"ugst.json can't be read"),
        (b"\xff\xfe", r"ugst.json can't be read"),
        (b"[" * 200_000, r"ugst.json can't be read"),
        (b"[]", r"ugst.json: .*; was it saved by another version\?"),
        (b'{"format": 2}', r"ugst.json: format: .*; was it saved by another version\?"),
        (b'{"colour": "red"}', r"ugst.json: colour: "),
        (b'{"lineage": [{"method": "sft"}]}', r"ugst.json: lineage.0.base: "),
    ],
)
def test_a_damaged_one_is_an_error_that_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / INFO_FILE).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_checkpoint_info(tmp_path)


def test_the_folder_of_a_model(tmp_path: Path) -> None:
    gguf, other = tmp_path / "model.gguf", tmp_path / "model.bin"
    for file in (gguf, other):
        file.touch()
    assert checkpoint_folder(str(tmp_path)) == tmp_path
    assert checkpoint_folder(str(gguf)) == tmp_path
    assert checkpoint_folder(str(other)) is None
    assert checkpoint_folder(str(tmp_path / "gone.gguf")) is None
    assert checkpoint_folder("owner/model") is None


@pytest.mark.parametrize("word", STOP_WORDS)
def test_stop_words_end_a_conversation(word: str) -> None:
    assert read_ending(word) is not None
