"""``ugst goals generate`` and ``ugst goals stats``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.goals.files import load_goals
from tests.chat_server import Body, ChatServer
from tests.domains.multiwoz.small_database import write_database


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("UGST_DATA", raising=False)
    return str(write_database(tmp_path / "data"))


def generate(data: str, out: Path, *more: str) -> int:
    return main(
        ["goals", "generate", "multiwoz", "--data", data, "--seed", "7", "--count", "6", "--out", str(out), *more]
    )


def test_the_same_seed_makes_the_same_file(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, train = (tmp_path / f"{name}.goal.jsonl" for name in "abc")
    assert generate(data, first) == generate(data, second) == generate(data, train, "--split", "train") == 0
    assert "6 goals written to" in capsys.readouterr().out
    assert first.read_bytes() == second.read_bytes() != train.read_bytes()
    assert [goal.id for goal in load_goals(train)][-1] == "multiwoz-train-0006"
    assert main(["goals", "lint", str(first), str(train)]) == 0


def test_the_users_own_pools_are_used(data: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("- {id: knight, text: [You are a knight.]}\n", encoding="utf-8")
    out = tmp_path / "x.goal.yaml"
    arguments = ["goals", "generate", "multiwoz", "--data", data, "--count", "51", "--out", str(out)]
    assert main([*arguments, "--profiles", str(mine)]) == 0
    assert sum("You are a knight." in goal.text for goal in load_goals(out)) == 1


def test_stats_of_goals(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.goal.jsonl"
    generate(data, out)
    capsys.readouterr()
    assert main(["goals", "stats", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "policy sub-components" in shown
    assert main(["goals", "stats", str(tmp_path), "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["goals"] == 6
    assert stats["components"]["policy"] == 12
    assert stats["domains"] == {"multiwoz": 6}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "multiwoz", "--count", "0"], "--count: write a whole number from 1"),
        (["generate", "multiwoz", "--out", "goals.txt"], "goals.txt: a goal file's name ends with"),
        (["generate", "multiwoz", "--profiles", "nothing.yaml"], "nothing.yaml: can't be read"),
        (["generate", "multiwoz", "--decomposer", "nobody-knows"], "unknown model 'nobody-knows'"),
        (["stats", "nothing.goal.yaml"], "nothing.goal.yaml: there is no such file or folder"),
        (["stats", "."], "no goal file there"),
    ],
)
def test_mistakes_are_one_clear_line(
    data: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "generate":
        arguments = [*arguments, "--data", data]
    assert main(["goals", *arguments]) == 4
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1


def test_a_file_is_not_lost(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.goal.jsonl"
    out.write_text("mine", encoding="utf-8")
    assert generate(data, out) == 4
    assert "overwrite it with --force" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "mine"
    assert generate(data, out, "--force") == 0


def test_a_model_finds_the_words(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def script(body: Body, number: int) -> str:
        sentences = json.loads(body["messages"][1]["content"].split("\n\nAnswer with")[0])
        return json.dumps({"sentences": [f"Note: {sentence}" for sentence in sentences]})

    out, again = tmp_path / "x.goal.jsonl", tmp_path / "y.goal.jsonl"
    with ChatServer(script) as server:
        model = ("--decomposer", f"{server.url}#writer")
        assert generate(data, out, *model) == 0
        asked = len(server.requests)
        assert generate(data, again, *model) == 0
        assert len(server.requests) == asked, "what was answered before is not asked again"
    assert out.read_bytes() == again.read_bytes()
    for goal in load_goals(out):
        objectives = [c for c in goal.components or () if c.category == "objective"]
        assert all(objective.text.startswith("Note: ") for objective in objectives)
        assert all(sentence in goal.text for c in objectives for sentence in c.text.split(" Note: "))


def test_a_model_that_is_not_there(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert generate(data, tmp_path / "x.goal.jsonl", "--decomposer", "http://127.0.0.1:9/v1#m") == 4
    assert "127.0.0.1:9" in capsys.readouterr().err
    assert not (tmp_path / "x.goal.jsonl").exists()
