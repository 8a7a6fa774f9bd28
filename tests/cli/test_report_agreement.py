"""``ugst report agreement``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.analysis.agreement.label_files import write_labels
from pytest_ugst.core.labels import episode_labels
from tests.cli.judged_runs import make_run, played, report

pytestmark = pytest.mark.usefixtures("project")

Tables = Callable[[], dict[str, Any]]


def test_agreement_of_a_run_and_a_person(capsys: pytest.CaptureFixture[str], read_tables: Tables) -> None:
    episodes = played("g1"), played("g2", status="ATTEMPTED")
    make_run("one", *episodes)
    write_labels(Path("ann.jsonl"), [episode_labels(played(name), "Ann") for name in ("g1", "g2")])
    assert report("agreement", "ann.jsonl", "one", "--style", "json") == 0
    tables = read_tables()
    line, still = tables["Agreement"]["lines"]
    assert line["annotators"] == "Ann / judges"
    assert (line["objective"]["value"], line["policy"]["value"]) == (pytest.approx(500 / 6), 100.0)
    assert still["objective"]["value"] == pytest.approx(400 / 6)
    by_category = {one["category"]: one for one in tables["Beyond chance"]["lines"]}
    assert 0 < by_category["objective"]["kappa"] < 1
    assert by_category["policy"]["kappa"] is None
    (confused,) = [one for one in tables["Who said what"]["lines"] if one["first"] == "COMPLETE"]
    assert (confused["attempted"], confused["complete"]) == (1, 1)
    assert report("agreement", "one", "ann.jsonl", "ann.jsonl") == 4
    assert capsys.readouterr().err == "ugst: 'ann.jsonl' is given twice (ann.jsonl); name every source once\n"
    assert report("agreement", "ann.jsonl", "one", "--final") == 0
    assert "75.0" in capsys.readouterr().out  # of four final labels


def test_agreement_of_judge_and_checks(read_tables: Tables) -> None:
    make_run("one", played("g1"))
    assert report("agreement", "one", "--checks", "--style", "json") == 0
    line, _ = read_tables()["Agreement"]["lines"]
    assert line["annotators"] == "judges / checks"
    # "Oslo" is said in every turn, the judge saw it in the third only; on the other part the check has no say.
    assert (line["objective"]["successes"], line["n"]) == (1, 3)


def test_agreement_of_two_runs_with_the_same_judge(capsys: pytest.CaptureFixture[str], read_tables: Tables) -> None:
    make_run("one", played("g1"))
    make_run("two", played("g1", status="ATTEMPTED"))
    make_run("else", played("g1", said="Something else"))
    assert report("agreement", "one", "two", "--style", "json") == 0
    assert read_tables()["Agreement"]["lines"][0]["annotators"] == "judges (one) / judges (two)"
    assert report("agreement", "one", "else") == 4
    shown = capsys.readouterr().err
    assert "have labelled different conversations that are both called 'g1'" in shown
    assert "Traceback" not in shown


def test_agreement_of_files_with_the_same_name(capsys: pytest.CaptureFixture[str], read_tables: Tables) -> None:
    for folder, status in (("x", "COMPLETE"), ("y", "ATTEMPTED")):
        write_labels(Path(folder, "l.jsonl"), [episode_labels(played("g1", status=status), "Ann")])
    assert report("agreement", "x/l.jsonl", "y/l.jsonl", "--style", "json") == 0
    assert read_tables()["Agreement"]["lines"][0]["annotators"] == "Ann (x/l.jsonl) / Ann (y/l.jsonl)"
    make_run("one", played("g1"))
    assert report("agreement", "one", "latest") == 4
    assert "one and latest are one source (" in capsys.readouterr().err


def test_agreement_of_three(read_tables: Tables) -> None:
    make_run("one", played("g1"))
    for name, status in (("Ann", "COMPLETE"), ("Ben", "ATTEMPTED")):
        # One person's work may be spread over files.
        write_labels(Path(f"{name}-1.jsonl"), [episode_labels(played("g1", status=status), name)])
        write_labels(Path(f"{name}-2.jsonl"), [episode_labels(played("g2"), name)])
    files = [f"{name}-{i}.jsonl" for name in ("Ann", "Ben") for i in (1, 2)]
    assert report("agreement", *files, "one", "--style", "json") == 0
    tables = read_tables()
    pairs = tables["Agreement"]["lines"][::2]
    assert [(line["annotators"], line["n"]) for line in pairs] == [
        ("Ann / Ben", 12),
        ("Ann / judges", 6),
        ("Ben / judges", 6),
    ]
    alpha = {line["category"]: line for line in tables["Krippendorff's alpha of 3 annotators"]["lines"]}
    assert alpha["objective"]["labels"] == 6
    # Counted by hand: 15 values; INCOMPLETE 10, COMPLETE 4, ATTEMPTED 1; in one unit of 3 values, 4 of 6 pairs differ.
    assert alpha["objective"]["alpha"] == pytest.approx(1 - 14 * (4 / 2) / (15 * 15 - 100 - 16 - 1))
    assert "Beyond chance: Ben / judges" in tables


def test_annotations_of_other_conversations(capsys: pytest.CaptureFixture[str]) -> None:
    make_run("one", played("g1"))
    write_labels(Path("ann.jsonl"), [episode_labels(played("g7"), "Ann")])
    assert report("agreement", "one", "ann.jsonl") == 4
    assert "no conversation was annotated by two (judges: g1, Ann: g7, ...)" in capsys.readouterr().err
    assert report("agreement", "one") == 4
    assert "there is only judges; name another run or file of labels" in capsys.readouterr().err
    Path("ann.jsonl").write_text("{}\n")
    assert report("agreement", "one", "ann.jsonl") == 4
    assert "ann.jsonl:1: this is no record of labels" in capsys.readouterr().err
    assert report("agreement", "one", "none.jsonl") == 4
    assert "none.jsonl can't be read" in capsys.readouterr().err
