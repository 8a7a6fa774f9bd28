"""``ugst annotate``: what it serves, and what it exports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ugst.analysis.agreement.annotate.record import Annotations
from pytest_ugst.analysis.agreement.annotate.store import file_of, only_one, save
from pytest_ugst.analysis.agreement.label_files import read_labels
from pytest_ugst.cli import main
from pytest_ugst.core.status import Status
from pytest_ugst.runs.run import StoredRun
from tests.analysis.agreement.annotate.served_page import request, talk
from tests.factories import record

HOME = Path(".ugst")
ONE = talk(1, ["I return the shoes.", "My card is 4929.", "Bye."])


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredRun:
    monkeypatch.chdir(tmp_path)
    return record(HOME, "first", ONE)


def annotate(run: StoredRun, annotator: str, turns: int) -> None:
    marks = Annotations(annotator=annotator).of(ONE)
    marks = marks.set(ONE.components[0], 1, Status.MISALIGNED)
    for turn in range(1, turns + 1):
        marks = marks.next(turn)
    save(file_of(run.folder, annotator), Annotations(annotator=annotator).with_marks(ONE.id, marks))


def test_labels_of_all_annotators_are_exported(run: StoredRun, capsys: pytest.CaptureFixture[str]) -> None:
    annotate(run, "ann", 3)
    annotate(run, "bob", 1)
    assert main(["annotate", "first", "--export=all.jsonl"]) == 0
    assert "2 annotated conversations by 2 annotators: all.jsonl" in capsys.readouterr().out
    ann, bob = read_labels(Path("all.jsonl"))
    assert (ann.annotator, len(ann.labels)) == ("ann", 3)
    assert (bob.annotator, len(bob.labels)) == ("bob", 1)
    assert main(["annotate", "first", "--annotator=bob", "--export=bob.jsonl"]) == 0
    assert [labels.annotator for labels in read_labels(Path("bob.jsonl"))] == ["bob"]


def test_the_agreement_reads_what_was_exported(run: StoredRun, capsys: pytest.CaptureFixture[str]) -> None:
    annotate(run, "ann", 3)
    assert main(["annotate", "first", "--export=ann.jsonl"]) == 0
    assert "1 annotated conversation by 1 annotator: ann.jsonl" in capsys.readouterr().out
    assert main(["annotate", "first", "--annotator=zed", "--export=zed.jsonl"]) == 4
    assert "nothing is annotated yet by zed (there is: ann); begin with" in capsys.readouterr().err
    assert main(["report", "agreement", "first", "ann.jsonl"]) == 0
    assert "ann" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["first", "--only=talk-2"], "--only=talk-2: unknown episode 'talk-2'; did you mean 'talk-1'"),
        (["first", "--annotator=../x"], "--annotator='../x': write up to 60 letters"),
        (["first", "--export=x.jsonl"], "first: nothing is annotated yet; begin with 'ugst annotate first'"),
        (["nowhere"], "nowhere"),
        (["first", "--port=99999"], "--port=99999: no port has this number"),
    ],
)
def test_one_line_for_bad_input(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", *options]) == 4
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1


def test_a_run_without_anything_to_annotate(capsys: pytest.CaptureFixture[str]) -> None:
    bare = ONE.model_copy(update={"goal": ONE.goal.model_copy(update={"components": ()}), "verdicts": ()})
    record(HOME, "bare", bare)
    assert main(["annotate", "bare"]) == 4
    assert "nothing to annotate" in capsys.readouterr().err


def test_work_on_what_was_played_again_is_reported(run: StoredRun, capsys: pytest.CaptureFixture[str]) -> None:
    annotate(run, "ann", 3)
    annotate(run, "bob", 1)
    record(HOME, "first", talk(1, ["I return the shoes.", "My card is 4929.", "Thanks, bye."]))
    assert main(["annotate", "first", "--export=all.jsonl"]) == 4
    err = capsys.readouterr().err
    for name in ("ann", "bob"):
        kept = file_of(run.folder, name)
        assert f"ugst: {name}: 1 conversation was annotated before being played again or cut up anew (talk-1); " in err
        assert f"that work stays in {kept} and is not shown\n" in err


def test_a_name_that_is_at_work(run: StoredRun, capsys: pytest.CaptureFixture[str]) -> None:
    with only_one(file_of(run.folder, "ann")):
        assert main(["annotate", "first", "--annotator=ann"]) == 4
    assert "ann is at work on this run in another process" in capsys.readouterr().err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(how: signal.Signals) -> None:
    command = [sys.executable, "-m", "pytest_ugst.cli", "annotate", "latest", "--annotator=ann"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/\S+/", line)
            assert found is not None, line
            assert "1 conversation of first for ann" in line
            status, _, text = request(f"{found.group()}api/run")
            assert (status, '"talk-1"' in text) == (200, True)
            assert "annotations/ann.json" in process.stdout.readline()
            process.send_signal(how)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()  # whatever else went wrong, nobody waits for it
    assert process.returncode == 0, err
    assert err == ""
