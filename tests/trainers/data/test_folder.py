"""Data folders: written, read back, refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.roles.batch import builtin_registry
from pytest_ugst.trainers.data.build import DataRecipe, build_data, check_out
from pytest_ugst.trainers.data.folder import read_data
from tests.trainers.supper_episodes import supper

PROMPTS = Prompts.load()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "d"
    episodes = [supper(), supper(), supper("other"), supper("worse", shouts=1)]
    build_data(episodes, PROMPTS, DataRecipe(eval_share=0.5), builtin_registry(), folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "d")
    return tmp_path / "d"


def test_what_is_written_is_read(folder: Path) -> None:
    data = read_data(folder)
    assert {row.goal for row in data.train} | {row.goal for row in data.eval} == {"supper", "other"}
    assert not {row.goal for row in data.train} & {row.goal for row in data.eval}
    assert data.info.counts["left out"] == {"not aligned": 3}
    assert all(data.episode(row.episode).goal.id == row.goal for row in (*data.train, *data.eval))
    assert data.prompts_folder is not None
    assert Prompts.load(data.prompts_folder).texts == PROMPTS.texts


def test_the_card_says_where_it_comes_from(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    for words in ("supper", PROMPTS.version, "sim", "rules", "judge", "seed"):
        assert words in card


def test_the_same_is_made_of_the_same(folder: Path, tmp_path: Path) -> None:
    episodes = [supper(), supper(), supper("other"), supper("worse", shouts=1)]
    build_data(episodes, PROMPTS, DataRecipe(eval_share=0.5), builtin_registry(), tmp_path / "e")
    for name in ("train.jsonl", "eval.jsonl"):
        assert (tmp_path / "e" / name).read_bytes() == (folder / name).read_bytes()


def test_datasets_folders_hold_the_rows(folder: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_from_disk(str(folder / "hf" / "train"))
    assert loaded.to_list() == [row.record() for row in read_data(folder).train]


def test_nothing_left_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no row is left of 3 .3 not aligned.*--keep turns"):
        build_data([supper(shouts=1)], PROMPTS, DataRecipe(), builtin_registry(), tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_other_things_are_not_overwritten(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds training data already"):
        check_out(folder, False)
    check_out(folder, True)
    check_out(tmp_path / "new", False)


def spoil(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("data.json", '{"format": 2}', r"data.json: format is 2 and not 1; make it with"),
        ("data.json", "[", r"data.json can't be read"),
        ("data.json", '{"format": 1, "surplus": 1}', r"data.json: surplus: Extra inputs"),
        ("data.json", '{"format": 1, "kind": "judge"}', r"teaches a judge, and a simulator is to be trained"),
        ("train.jsonl", "", r"train.jsonl holds no row"),
        ("train.jsonl", '{"text": "other format"}\n', r"train.jsonl:1: prompt: Field required"),
        ("train.jsonl", "\n{", r"train.jsonl:2: "),
    ],
)
def test_another_format_is_refused_in_a_line(folder: Path, name: str, text: str, message: str) -> None:
    spoil(folder, name, text)
    with pytest.raises(UsageError, match=message) as told:
        read_data(folder)
    assert "\n" not in str(told.value)


def test_what_is_no_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no training data .data.json is missing"):
        read_data(tmp_path)


def test_a_row_without_its_episode(folder: Path) -> None:
    data = read_data(folder)
    with pytest.raises(UsageError, match="the episode 'gone' is missing"):
        data.episode("gone")
    assert json.loads((folder / "data.json").read_text())["reasoning"] == "think"
