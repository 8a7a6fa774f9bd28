"""``ugst report cost``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.judged_runs import make_run, played, report

pytestmark = pytest.mark.usefixtures("project")

Tables = Callable[[], dict[str, Any]]


def test_cost_by_role_episode_and_verdict(capsys: pytest.CaptureFixture[str], read_tables: Tables) -> None:
    make_run("one", played("g1"), played("g2"))
    assert report("cost", "one", "--style", "json") == 0
    whole, episode, each = read_tables()["one"]["lines"]
    assert (whole["calls"], whole["prompt_tokens"], whole["cost"]) == (12, 2400, pytest.approx(1.2))
    assert (episode["group"], episode["calls"]) == ("per episode (2)", 6.0)
    assert (each["group"], each["cost"]) == ("per verdict (12)", pytest.approx(0.1))
    with Path(".ugst/runs/one/episodes.jsonl").open("a") as journal:
        journal.write('{"schema_version":1,"id":"torn\n')
    assert report("cost", "one") == 0
    shown = capsys.readouterr().out
    assert "per verdict (12)" in shown
    assert "one: journal: 1 line could not be read (the first: line 3: Invalid JSON: " in shown
    make_run("two", played("g1"))
    assert report("cost", "one", "two", "--style", "csv") == 0
    shown = capsys.readouterr().err
    assert shown.count("seconds: waiting") == 1
    assert "\none: episodes took " in shown
    assert "\ntwo: episodes took " in shown
