"""``ugst goals import``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.goals.files import load_goals
from tests.cli.retail_tasks import write_tau_bench


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UGST_DATA", raising=False)
    write_tau_bench(tmp_path / "data")


def test_import_from_a_folder_or_from_what_was_fetched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["goals", "import", "tau-bench", "--data", "data", "--out", "a.goal.yaml", "--limit", "1"]) == 0
    (goal,) = load_goals(Path("a.goal.yaml"))
    assert (goal.id, goal.domain) == ("tau-bench-retail-test-0", "retail")
    assert main(["goals", "import", "tau-bench"]) == 4
    assert "run 'ugst data fetch tau-bench', or set UGST_DATA" in capsys.readouterr().err
    monkeypatch.setenv("UGST_DATA", "data")
    assert main(["goals", "import", "tau-bench", "--domain", "retail"]) == 0
    assert capsys.readouterr().out.count("\nid: ") + 1 == 2
    assert main(["goals", "import", "tau2-bench", "--data", "data"]) == 4
    assert "holds no tau2-bench" in capsys.readouterr().err


def test_import_of_multiwoz(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("mw")
    folder.mkdir()
    dialogue = {"goal": {"message": ["You want a <span>taxi</span>"], "taxi": {"info": {}}}, "log": []}
    (folder / "data.json").write_text(json.dumps({"SNG1.json": dialogue, "SNG2.json": dialogue}))
    (folder / "testListFile.txt").write_text("SNG2.json\n")
    (folder / "valListFile.txt").write_text("")
    command = ["goals", "import", "multiwoz", "--data", "mw"]
    assert main([*command, "--split", "test", "--out", "a.goal.yaml"]) == 0
    (goal,) = load_goals(Path("a.goal.yaml"))
    assert (goal.id, goal.text, goal.domain) == ("SNG2", "You want a taxi.", "multiwoz")
    capsys.readouterr()
    assert main([*command, "--domain", "airline"]) == 4
    assert "multiwoz has no domain 'airline'; choose from restaurant" in capsys.readouterr().err
    (folder / "data.json").unlink()
    assert main(command) == 4
    shown = capsys.readouterr().err
    assert "mw: holds no data.json, MultiWOZ's dialogues with their goals" in shown
    assert main(["goals", "import", "multiwoz"]) == 4
    assert "name the folder of MultiWOZ's data.json; data.json is in" in capsys.readouterr().err
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "command", [["import", "tau-bench", "--data", "data"], ["decompose", "x", "--decomposer", "y"]]
)
def test_a_file_that_is_there_is_not_overwritten(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.goal.yaml").write_text("my work")
    assert main(["goals", *command, "--out", "a.goal.yaml"]) == 4
    assert "a.goal.yaml is there already; name another file, or overwrite it with --force" in capsys.readouterr().err
    assert Path("a.goal.yaml").read_text() == "my work"
    assert main(["goals", *command, "--out", "a.yaml"]) == 4
    assert "a goal file's name ends with .goal.yaml" in capsys.readouterr().err


def test_overwritten_by_force() -> None:
    Path("a.goal.yaml").write_text("my work")
    assert main(["goals", "import", "tau-bench", "--data", "data", "--out", "a.goal.yaml", "--force"]) == 0
    assert len(load_goals(Path("a.goal.yaml"))) == 2
