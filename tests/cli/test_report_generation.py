"""``ugst report generation``."""

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


GOALS = """
id: g1
goal: You want g1.
components:
  policy: [You never lie]
  task: [You want to fly]
---
id: g2
goal: You want g2.
components: {profile: [You are Ann.]}
"""


def test_generation_against_a_goal_file(capsys: pytest.CaptureFixture[str], read_tables: Tables) -> None:
    pytest.importorskip("scipy", reason="the extra stats")
    Path("gold.goal.yaml").write_text(GOALS)
    make_run("one", played("g1"))
    assert report("generation", "gold.goal.yaml", "one", "--style", "json", "--details") == 0
    shown = read_tables()
    _, pooled = shown["Goal state generation"]["lines"]
    assert (pooled["precision"], pooled["recall"], pooled["accuracy"]) == (100.0, pytest.approx(200 / 3), 100.0)
    assert any("1 goal with nothing generated" in note for note in shown["Goal state generation"]["notes"])
    assert [one["gold_text"] for one in shown["Sub-components"]["lines"]] == [
        "You never lie",
        "You want to fly",
        "You are Ann.",
    ]
    Path("gold.goal.yaml").write_text(GOALS.replace("You want g1", "You want something else"))
    assert report("generation", "gold.goal.yaml", "one") == 4
    assert "gold.goal.yaml and one mean different goals by 'g1'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--encoder", "x"], "say --threshold=X as well"),
        (["--threshold", "0"], "--threshold=0: write a number above 0, up to 1"),
        (["--threshold", "nan"], "--threshold=nan: write a number"),
    ],
)
def test_generation_with_bad_options(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_run("one", played("g1"))
    assert report("generation", "one", "one", *arguments) == 4
    assert message in capsys.readouterr().err


def test_generation_from_labels_of_several_trials(read_tables: Tables) -> None:
    trials = played("g1"), played("g1").model_copy(update={"id": "g1@2", "trial": 2})
    make_run("one", *trials)
    write_labels(Path("gold.jsonl"), [episode_labels(one, "Ann") for one in trials])
    assert report("generation", "gold.jsonl", "one", "--style", "json") == 0
    assert [line["recall"] for line in read_tables()["Goal state generation"]["lines"]] == [100.0, 100.0]
