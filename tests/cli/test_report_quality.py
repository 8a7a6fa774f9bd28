"""``ugst report quality``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chat_server import Body, ChatServer, Say
from tests.cli.judged_runs import SAID, make_run, played, report

pytestmark = pytest.mark.usefixtures("project")

Tables = Callable[[], dict[str, Any]]


def test_quality_of_two_runs_says_what_is_missing(capsys: pytest.CaptureFixture[str], read_tables: Tables) -> None:
    make_run("one", played("g1"), played("g2", said="yes"))
    make_run("two", played("g1", simulator="other"))
    assert report("quality", "one", "two", "--style", "json") == 0
    shown = read_tables()[""]
    first, second = shown["lines"]
    assert (first["simulator"], second["simulator"]) == ("sim", "other")
    assert (first["conversations"], first["hdd"]["n"], first["hdd"]["missing"]) == (2, 1, 1)
    assert first["f1"]["value"] is first["naturalness"]["value"] is None
    assert "F1 was not measured: it takes --encoder=MODEL" in shown["notes"]
    assert "N and C were not measured: they take --judge=MODEL" in shown["notes"]
    assert "not the same goals: sim 2, other 1; 1 in common" in shown["notes"]
    assert any("1 of 2 conversations have under 42 words" in note for note in shown["notes"])
    assert report("quality", "one", "--out", "q.md") == 0
    assert "| MTLD |" in " ".join(Path("q.md").read_text().split())
    assert capsys.readouterr().out == ""


class Rater:
    """Rates conversations; the one with "yes" in it gets no number."""

    def __call__(self, body: Body, number: int) -> Say | str:
        asked = json.dumps(body["messages"])
        if "You rate" not in asked:
            return "yes"  # the first question: are you there?
        if "USER: yes 1" in asked:
            return '{"reasoning": "", "score": 9}'
        return json.dumps({"reasoning": "", "score": 4 if "how natural" in asked else 5})


@pytest.fixture
def rater(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("KEY_OF_RATER", "very-secret")
    with ChatServer(Rater(), models=["m"]) as server:
        Path("pyproject.toml").write_text(
            f'[tool.ugst.models.rater]\nmodel = "m"\nbase_url = "{server.url}"\napi_key_env = "KEY_OF_RATER"\n'
        )
        yield server


def test_ratings_are_cached_and_what_is_no_rating_is_counted_apart(rater: ChatServer, read_tables: Tables) -> None:
    make_run("one", played("g1"), played("g2", said="yes"))
    assert report("quality", "one", "--judge", "rater", "--style", "json") == 0
    shown = read_tables()[""]
    (line,) = shown["lines"]
    assert (line["naturalness"]["value"], line["coherence"]["value"]) == (4.0, 5.0)
    assert (line["naturalness"]["n"], line["naturalness"]["errors"], line["errors"]) == (1, 1, 2)
    assert "1 of 2 ratings of coherence failed and are in no mean" in shown["notes"]
    good = [body for body in rater.requests if "Rome" in json.dumps(body)]
    assert len(good) == 2
    assert report("quality", "one", "--judge", "rater", "--style", "json") == 0
    assert read_tables()[""]["lines"] == shown["lines"]
    assert len([body for body in rater.requests if "Rome" in json.dumps(body)]) == 2


def test_a_sample_is_of_the_same_goals_in_every_run(rater: ChatServer, read_tables: Tables) -> None:
    """Trials of a goal follow only when every goal has its turn; an episode more or less changes no choice."""
    make_run(
        "one", *(played(f"g{n}").model_copy(update={"id": f"g{n}-{t}", "trial": t}) for n in (1, 2, 3) for t in (1, 2))
    )
    make_run("two", *(played(f"g{n}", simulator="other", said=f"{SAID} again") for n in (3, 2, 1)))
    assert report("quality", "one", "two", "--judge", "rater", "--sample", "2", "--style", "json") == 0
    shown = read_tables()[""]
    assert [(line["conversations"], line["coherence"]["n"], line["errors"]) for line in shown["lines"]] == [
        (6, 2, 0),
        (3, 2, 0),
    ]
    assert shown["notes"][-2].endswith("; at most 2 conversations of each simulator")
    asked = [json.dumps(body["messages"]) for body in rater.requests]
    goals = {
        run: {
            name
            for name in ("g1", "g2", "g3")
            for text in asked
            if f"You want {name}." in text and (" again" in text) is run
        }
        for run in (False, True)
    }
    assert goals[False] == goals[True]
    assert len(goals[True]) == 2


def test_similarity_of_all_that_was_said(monkeypatch: pytest.MonkeyPatch, read_tables: Tables) -> None:
    class Encoder:
        def __init__(self, model: str, layer: int | None = None) -> None:
            self.name, self.layer = model, layer

        def f1(self, said: list[str], goals: list[str], shown: Callable[[int], None]) -> list[float | None]:
            assert set(goals) == {"You want g1.", "You want g2."}
            shown(len(said))
            return [0.5 if text.startswith("yes") else None if text.endswith("1") else 0.9 for text in said]

    monkeypatch.setattr("pytest_ugst.analysis.quality.similarity.Encoder", Encoder)
    make_run("one", played("g1"), played("g2", said="yes"))
    make_run("two", played("g2", said="yes", simulator="other"))
    assert report("quality", "one", "two", "--encoder", "tiny", "--encoder-layer", "5", "--style", "json") == 0
    shown = read_tables()[""]
    assert [line["f1"]["value"] for line in shown["lines"]] == [pytest.approx(0.7), pytest.approx(0.5)]
    assert "F1: BERTScore of utterances and goal by tiny, layer 5, not rescaled" in shown["notes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--judge", "checks"], "--judge=checks: only a model can rate"),
        (["--judge", "nobody"], "nobody"),
        (["--sample", "3"], "--sample says nothing without --judge"),
        (["--sample", "0", "--judge", "rater"], "--sample=0: write a number of conversations, from 1"),
        (["--encoder-layer", "3"], "--encoder-layer says nothing without --encoder"),
        (["--encoder", "./nowhere"], "there is no folder ./nowhere; name a folder with an encoder"),
        (["--out", "q.doc"], "the name says no style"),
    ],
)
def test_quality_with_bad_options(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "./nowhere" in arguments:
        pytest.importorskip("bert_score", reason="the extra bert")
    make_run("one", played("g1"))
    assert report("quality", "one", *arguments) == 4
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown


def test_quality_without_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    make_run("one", played("g1"))
    monkeypatch.setitem(sys.modules, "bert_score", None)
    assert report("quality", "one", "--encoder", ".") == 4
    assert capsys.readouterr().err.startswith("ugst: bert_score is not installed")
