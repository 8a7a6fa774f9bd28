"""ugst train data, as it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.trainers.data.folder import read_data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UGST_DATA", raising=False)
    return tmp_path


def test_goals_are_played_and_runs_are_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play = ["train", "data", "--goals", "concierge:train", "--limit", "3", "--trials", "2", "--steer", "state"]
    assert main([*play, "--out", "d", "--show", "1"]) == 0
    out = capsys.readouterr().out
    assert "[target: " in out
    assert "<think>\n" in out
    assert "6 episodes recorded" in out or "episodes recorded: 6" in out
    data = read_data(here / "d")
    assert len(data.info.goals["eval"]) == 1
    assert len(data.episodes) == 6
    assert all(episode.setting.steer == "state" for episode in data.episodes.values())
    assert main(["train", "data", "--runs", "latest", "--out", "e"]) == 0
    assert [r.prompt for r in read_data(here / "e").train] == [r.prompt for r in data.train]
    assert main(["train", "data", "--show", "2", "--out", "e"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--goals", "concierge", "--out", "d"], "holds test goals"),
        (["--goals", "concierge:train"], "--out is missing"),
        (["--out", "d"], "name --goals to play or --runs to read"),
        (["--goals", "concierge:train", "--runs", "latest", "--out", "d"], "name one of them"),
        (["--goals", "concierge:train", "--out", "d", "--eval-share", "1"], "--eval-share 1.0"),
        (["--goals", "concierge:train", "--out", "d", "--trials", "0"], "--trials 0"),
        (["--goals", "concierge:train", "--sim", "agends", "--out", "d"], "did you mean 'agenda'"),
        (["--runs", "gone", "--out", "d"], "gone: no such run"),
        (["--show", "--out", "gone"], "is no training data"),
    ],
)
def test_mistakes_get_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", "data", *arguments]) == 4
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told


def test_the_decomposing_model_is_named_as_in_other_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.goal.yaml").write_text("id: a\ngoal: You want to see a museum.\ndomain: concierge\n")
    play = ["train", "data", "--goals", "a.goal.yaml", "--out", "d"]
    assert main(play) == 4
    assert "no components and no model is set to decompose it" in capsys.readouterr().err
    assert main([*play, "--decomposer", "cutter"]) == 4
    assert "'cutter'" in capsys.readouterr().err  # it is no alias here


def test_what_broke_a_rule_is_left_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["train", "data", "--goals", "concierge:train", "--limit", "4", "--sim", "agenda:contradiction"]
    assert main([*base, "--out", "all", "--keep", "all", "--doubles"]) == 0
    assert main([*base, "--out", "turns", "--keep", "turns"]) == 0
    everything, kept = read_data(here / "all"), read_data(here / "turns")
    assert len(kept.train) + len(kept.eval) < len(everything.train) + len(everything.eval)
