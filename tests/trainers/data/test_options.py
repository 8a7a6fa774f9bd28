"""``--dataset`` is training data, ``--data`` benchmark data; the old spellings work for one more release."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.data.options import read_data_options
from pytest_ugst.trainers.grpo import command as grpo
from pytest_ugst.trainers.grpo.call import GrpoCall
from pytest_ugst.trainers.judge import command as judge
from pytest_ugst.trainers.sft import command as sft

SFT = (sft.add_arguments, "--model", "m", "--out", "o")
GRPO = (grpo.add_arguments, "--model", "m", "--out", "o", "--judge", "checks")
COMMANDS = pytest.mark.parametrize("command", [SFT, GRPO], ids=["sft", "grpo"])


def parse(add: Any, *arguments: str | Path) -> argparse.Namespace:
    """Parse a command's arguments."""
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(argument) for argument in arguments])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "data.json").touch()
    return tmp_path / "dataset"


@COMMANDS
def test_the_two_kinds_of_data(
    command: tuple[Any, ...], dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_data_options(parse(*command, "--dataset", dataset)) == (dataset, None)
    assert read_data_options(parse(*command, "--dataset", dataset, "--data", tmp_path)) == (dataset, tmp_path)
    # With --dataset, even a folder of training data is where benchmark data is looked for.
    assert read_data_options(parse(*command, "--dataset", dataset, "--data", dataset)) == (dataset, dataset)
    assert capsys.readouterr().err == ""


@COMMANDS
def test_the_old_spelling(command: tuple[Any, ...], dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_data_options(parse(*command, "--data", dataset)) == (dataset, None)
    assert capsys.readouterr().err == (
        "ugst: '--data' is called '--dataset' now; the old name will not work in the next release\n"
    )


@COMMANDS
def test_what_is_no_training_data(command: tuple[Any, ...], tmp_path: Path) -> None:
    nothing: list[list[str | Path]] = [[], ["--data", tmp_path], ["--data", tmp_path / "none"]]
    for arguments in nothing:
        with pytest.raises(UsageError, match="--dataset is missing; name the folder that 'ugst train data' wrote"):
            read_data_options(parse(*command, *arguments))
    with pytest.raises(UsageError, match="there is no such folder; make one with 'ugst train data'"):
        read_data_options(parse(*command, "--dataset", tmp_path / "none"))


def test_the_old_name_of_benchmark_data(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pytest_ugst.trainers.grpo import train

    calls: list[GrpoCall] = []

    def record(call: GrpoCall) -> Path:
        calls.append(call)
        return call.out

    monkeypatch.setattr(train, "train_grpo", record)
    grpo.run(parse(*GRPO, "--data", dataset, "--data-dir", tmp_path))
    (call,) = calls
    assert (call.dataset, call.data) == (dataset, tmp_path)
    assert [line.split("'")[1::2] for line in capsys.readouterr().err.splitlines()] == [
        ["--data", "--dataset"], ["--data-dir", "--data"],
    ]  # fmt: skip


def test_the_old_names_of_a_judges_training_data(capsys: pytest.CaptureFixture[str]) -> None:
    base = (judge.add_judge, "--runs", "r", "--model", "m", "--out", "o")
    assert (parse(*base).dataset, parse(*base).dataset_only) == (None, False)
    args = parse(*base, "--dataset", "d", "--dataset-only")
    assert (args.dataset, args.dataset_only) == (Path("d"), True)
    assert capsys.readouterr().err == ""
    args = parse(*base, "--data-out", "d", "--data-only")
    assert (args.dataset, args.dataset_only) == (Path("d"), True)
    assert len(capsys.readouterr().err.splitlines()) == 2
