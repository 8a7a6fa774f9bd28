"""``ugst report table``."""

from __future__ import annotations

import csv
import json
import os
import pty
import sys
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from tests.factories import make_setting, record
from tests.policy_episodes import episode

HOME = Path(".ugst")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    record(HOME, "first", *(episode(f"g{n}", {"x": n > 0, "y": True}) for n in range(4)))
    record(
        HOME,
        "second",
        *(episode(f"g{n}", {"x": n > 1, "y": n > 2}, setting=make_setting(simulator="b")) for n in range(4)),
    )


def test_runs_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "table", "first", "latest", "--no-intervals"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines() if "---" not in line] == [
        ["town"],
        ["model", "Prof.", "Pol.", "T.O.", "Req.", "Pref.", "Avg", "n", "err."],
        ["Prompt-based"],
        ["users", "–", "87.5", "–", "–", "–", "87.5", "8", "0"],
        ["b", "–", "37.5", "–", "–", "–", "37.5", "8", "0"],
        ["rates", "in", "percent"],
    ]
    assert main(["report", "table", str(HOME / "runs" / "first")]) == 0
    assert "87.5 (62–100)" in capsys.readouterr().out


def test_the_name_of_a_file_says_the_style(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("t.txt", "t.md", "t.tex", "t.csv", "t.json"):
        assert main(["report", "table", "first", "second", f"--out={name}"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "rates in percent, with 95% intervals bootstrapped over goals\n"  # CSV has no place for it
    assert Path("t.txt").read_text().startswith("town\n")
    assert "**87.5**" in Path("t.md").read_text()
    assert r"\textbf{87.5}" in Path("t.tex").read_text()
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert [(row["model"], row["run"], row["avg"], row["policy_successes"]) for row in rows] == [
        ("users", "first", "87.5", "7"),
        ("b", "second", "37.5", "3"),
    ]
    (table,) = json.loads(Path("t.json").read_text())["tables"]
    assert table["lines"][1]["avg"]["value"] == 37.5


def test_methods_and_labels_of_the_callers_own(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--method=GRPO with UGST rewards=latest", "--label=Llama 8B=first", "--style=json"]
    assert main(["report", "table", "latest", "first", *options]) == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert [(line["group"], line["model"]) for line in table["lines"]] == [
        ("Prompt-based", "Llama 8B"),
        ("GRPO with UGST rewards", "b"),
    ]


def test_runs_of_the_same_name_in_different_folders(capsys: pytest.CaptureFixture[str]) -> None:
    other = record(Path("elsewhere"), "first", episode("g1", {"x": True}), episode("g2", {"x": True}))
    assert main(["report", "table", "first", str(other.folder), "--style=json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert [line["model"] for line in table["lines"]] == ["users, first", f"users, {other.folder}"]
    assert [line["avg"]["value"] for line in table["lines"]] == [87.5, 100.0]


def test_a_journal_without_its_run_file(capsys: pytest.CaptureFixture[str]) -> None:
    (HOME / "runs" / "first" / "run.json").unlink()
    assert main(["report", "table", str(HOME / "runs" / "first" / "episodes.jsonl")]) == 0
    assert "87.5" in capsys.readouterr().out


def bad(name: str, text: str | None) -> None:
    path = record(HOME, name).journal.path
    if text is not None:
        path.write_text(text)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ("nothing", "nothing: no such run; the latest in .ugst/runs: "),
        ("empty", ".ugst/runs/empty/episodes.jsonl holds no finished episode; name another run"),
        ("garbage", "episodes.jsonl holds no finished episode; 2 lines could not be read (the first: "),
        ("old", "old/episodes.jsonl was written in episode format 0, this version reads format 1; read it with"),
        ("folder", ".ugst/runs/folder/episodes.jsonl is no file; name another run"),
        ("first first", "'first' is given twice (.ugst/runs/first); name every run once"),
        ("first .ugst/runs/first", "first and .ugst/runs/first are one run (.ugst/runs/first); name every run once"),
        ("first lonely", "first shares no goal with lonely, so their rates can't stand side by side; name runs over"),
        ("first --method=GRPO", "--method=GRPO: write NAME=RUN, such as --method=GRPO=first"),
        ("first --method=GRPO=frist", "--method=GRPO=frist: unknown run 'frist'; did you mean 'first'?"),
        ("first --label=a=first --label=b=first", "--label=b=first: first is named twice"),
        ("first --out=t.pdf", "--out=t.pdf: the name says no style; end it with one of .txt, .md, "),
        (
            "first --out=/dev/null/t.md",
            "--out=/dev/null/t.md: /dev/null is no folder; name another file",
        ),
    ],
)
def test_bad_input_gets_one_line(arguments: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    bad("empty", None)
    bad("garbage", "\0\0\n[]\n")
    bad("old", '{"schema_version": 0, "id": "g"}\n')
    record(HOME, "folder").journal.path.mkdir()
    record(HOME, "lonely", episode("other", {"x": True}))
    assert main(["report", "table", *arguments.split()]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ugst: ")
    assert shown in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("variable", "bold"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_bold_on_terminals_that_want_it(variable: dict[str, str], bold: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in ({"TERM": "xterm"} | variable).items():
        monkeypatch.setenv(name, value)
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        assert main(["report", "table", "first", "second"]) == 0
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # on Linux that is how a terminal ends
        pass
    os.close(leader)
    assert (b"\x1b[1m87.5\x1b[0m" in shown) is bold
    assert (b"\x1b" in shown) is bold
