"""``results.json`` holds what a later run needs, and is never half there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from pytest_ugst.analysis.results import Results, versions, write_results
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.analysis.success.systems import add_usage
from pytest_ugst.analysis.success.table import RatesRow
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.outcome import EpisodeOutcome, episode_outcome, tally, unplayed_outcome
from tests.strategies import episodes


@given(episodes(bare=True))
def test_outcomes(episode: Episode) -> None:
    made = episode_outcome(episode)
    assert EpisodeOutcome.model_validate_json(made.model_dump_json()) == made
    assert made.tally == tally(episode)
    assert list(made.statuses.values()).count("ERROR") == sum(c.errors for c in made.tally.counts.values())
    total = sum(c.total for c in made.tally.counts.values())
    assert len(made.statuses) == total
    assert made.succeeded == (made.tally.measured and sum(c.successes for c in made.tally.counts.values()) == total)


def test_an_episode_that_was_not_played() -> None:
    made = unplayed_outcome("trip@2", "trip", 2, "the goal could not be decomposed")
    assert not made.succeeded
    assert rates([made.tally]).unmeasured == 1


def test_usage_by_role() -> None:
    parts = [{"judge": Usage(calls=2), "agent": Usage(calls=1)}, {"judge": Usage(calls=3, cost=0.5)}]
    assert add_usage(parts) == {"judge": Usage(calls=5, cost=0.5), "agent": Usage(calls=1)}


def make(run: str = "first") -> Results:
    made = unplayed_outcome("trip", "trip", 1, "no answer")
    return Results(
        run=run,
        created="2026-01-01T00:00:00+00:00",
        settings={"sim": "agenda", "trials": 1},
        rows=(RatesRow(label="agenda", rates=rates([made.tally])),),
        gate={"avg": 85.0},
        missed=("avg: no sub-component to measure",),
        episodes=(made,),
        usage={"judge": Usage(calls=1)},
        versions=versions(),
    )


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, make("first"))
    write_results(path, make("second"))
    assert Results.model_validate_json(path.read_text(encoding="utf-8")) == make("second")
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_machine_finds(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, make())
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema_version"] == 1
    assert {"python", "pytest-ugst", "pytest", "pydantic"} <= set(data["versions"])
    assert set(data["rows"][0]["rates"]["columns"]["avg"]) == {"value", "low", "high", "n", "successes", "errors"}
    assert data["episodes"][0]["error"] == "no answer"


@pytest.mark.parametrize("name", ["file/results.json", "folder"])
def test_can_not_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=r"can't write .*; name a file"):
        write_results(tmp_path / name, make())
    assert {path.name for path in tmp_path.rglob("*")} == {"file", "folder"}
