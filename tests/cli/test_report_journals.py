"""Journals that can't be read whole or at all, in the reports that read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.judged_runs import make_run, played, report

pytestmark = pytest.mark.usefixtures("project")

Tables = Callable[[], dict[str, Any]]


@pytest.mark.parametrize("command", [["agreement", "one", "two"], ["generation", "two", "one"], ["quality", "one"]])
def test_what_could_not_be_read_is_reported(
    command: list[str], capsys: pytest.CaptureFixture[str], read_tables: Tables
) -> None:
    folder = make_run("one", played("g1"))
    make_run("two", played("g1", judge="other"))
    with (folder / "episodes.jsonl").open("a") as journal:
        journal.write('{"schema_version":1,"id":"torn\n')
    assert report(*command, "--style", "json") == 0
    *_, last = read_tables().values()
    assert sum(note.startswith("one: journal: 1 line could not be read") for note in last["notes"]) == 1
    assert report(*command, "--style", "csv") == 0
    assert "\none: journal: 1 line could not be read" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["quality", "agreement", "cost", "generation"])
def test_journals_that_can_not_be_read(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run("one", played("g1"))
    command = [verb, "one", "one"] if verb == "generation" else [verb, "one"]
    good = (folder / "episodes.jsonl").read_text()
    (folder / "episodes.jsonl").write_text(good + good.replace('"schema_version":1', '"schema_version":0'))
    assert report(*command) == 4
    assert "was written in episode format 0, this version reads format 1" in capsys.readouterr().err
    (folder / "episodes.jsonl").write_text(good[:50])
    assert report(*command) == 4
    assert "holds no finished episode; its last line is cut off; name another run" in capsys.readouterr().err
    (folder / "episodes.jsonl").write_text(good.replace('"goal":{"id":"g1"', '"goal":{"id":7'))
    assert report(*command) == 4
    assert (
        "1 line could not be read (the first: line 1: goal.id: Input should be a valid string); name"
        in capsys.readouterr().err
    )
    assert report(verb, *["nowhere"] * (len(command) - 1)) == 4
    shown = capsys.readouterr().err
    assert "nowhere" in shown
    assert "Traceback" not in shown
