"""``ugst report quality|agreement|generation|cost``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.analysis.agreement.label_files import write_labels
from pytest_ugst.cli import main
from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.labels import episode_labels
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.run import StoredRun
from tests.chat_server import Body, ChatServer, Say
from tests.played import SETTING, make_goal, objective, policy, verdict

SAID = "I would like to fly from Rome to Oslo in May with two bags and a window seat please, as cheap as it can be"


def played(
    name: str, *, said: str = SAID, simulator: str = "sim", judge: str = "judges", status: str = "COMPLETE"
) -> Episode:
    check = Check(complete=Condition(user_says="Oslo"), beside=True)
    return Episode(
        id=name,
        goal=make_goal(name, objective("fly", check), policy("lie"), domain="airline"),
        setting=SETTING.model_copy(update={"simulator": simulator, "judge": judge}),
        max_turns=10,
        conversation=Conversation(
            turns=tuple(Turn(user=f"{said} {i}", agent="Sure") for i in (1, 2, 3)), stop=StopReason.USER_ENDED
        ),
        verdicts=(
            *(verdict("fly", i, "INCOMPLETE", judge) for i in (1, 2)),
            verdict("fly", 3, status, judge),
            *(verdict("lie", i, "ALIGNED", judge) for i in (1, 2, 3)),
        ),
        usage={"judge": Usage(calls=6, prompt_tokens=1200, cost=0.6)},
        seconds=2.0,
    )


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")


def make_run(name: str, *episodes: Episode) -> Path:
    run = StoredRun(Path(".ugst/runs") / name)
    run.create(episodes[0].setting)
    for episode in episodes:
        run.journal.append(episode)
    return run.folder


Told = Callable[[], dict[str, Any]]


@pytest.fixture
def table(capsys: pytest.CaptureFixture[str]) -> Told:
    def read() -> dict[str, Any]:
        tables = json.loads(capsys.readouterr().out)["tables"]
        return {one["title"]: one for one in tables}

    return read


def report(*arguments: str) -> int:
    return main(["report", *arguments])


# Quality


def test_quality_of_two_runs_says_what_is_missing(capsys: pytest.CaptureFixture[str], table: Told) -> None:
    make_run("one", played("g1"), played("g2", said="yes"))
    make_run("two", played("g1", simulator="other"))
    assert report("quality", "one", "two", "--style", "json") == 0
    told = table()[""]
    first, second = told["lines"]
    assert (first["simulator"], second["simulator"]) == ("sim", "other")
    assert (first["conversations"], first["hdd"]["n"], first["hdd"]["missing"]) == (2, 1, 1)
    assert first["f1"]["value"] is first["naturalness"]["value"] is None
    assert "F1 was not measured: it takes --encoder=MODEL" in told["notes"]
    assert "N and C were not measured: they take --judge=MODEL" in told["notes"]
    assert "not the same goals: sim 2, other 1; 1 in common" in told["notes"]
    assert any("1 of 2 conversations have under 42 words" in note for note in told["notes"])
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


def test_ratings_are_cached_and_what_is_no_rating_is_counted_apart(rater: ChatServer, table: Told) -> None:
    make_run("one", played("g1"), played("g2", said="yes"))
    assert report("quality", "one", "--judge", "rater", "--style", "json") == 0
    told = table()[""]
    (line,) = told["lines"]
    assert (line["naturalness"]["value"], line["coherence"]["value"]) == (4.0, 5.0)
    assert (line["naturalness"]["n"], line["naturalness"]["errors"], line["errors"]) == (1, 1, 2)
    assert "1 of 2 ratings of coherence failed and are in no mean" in told["notes"]
    good = [body for body in rater.requests if "Rome" in json.dumps(body)]
    assert len(good) == 2
    assert report("quality", "one", "--judge", "rater", "--style", "json") == 0
    assert table()[""]["lines"] == told["lines"]
    assert len([body for body in rater.requests if "Rome" in json.dumps(body)]) == 2


def test_a_sample_is_of_the_same_goals_in_every_run(rater: ChatServer, table: Told) -> None:
    """Trials of a goal follow only when every goal has its turn; an episode more or less changes no choice."""
    make_run(
        "one", *(played(f"g{n}").model_copy(update={"id": f"g{n}-{t}", "trial": t}) for n in (1, 2, 3) for t in (1, 2))
    )
    make_run("two", *(played(f"g{n}", simulator="other", said=f"{SAID} again") for n in (3, 2, 1)))
    assert report("quality", "one", "two", "--judge", "rater", "--sample", "2", "--style", "json") == 0
    told = table()[""]
    assert [(line["conversations"], line["coherence"]["n"], line["errors"]) for line in told["lines"]] == [
        (6, 2, 0),
        (3, 2, 0),
    ]
    assert told["notes"][-2].endswith("; at most 2 conversations of each simulator")
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


def test_similarity_of_all_that_was_said(monkeypatch: pytest.MonkeyPatch, table: Told) -> None:
    class Encoder:
        def __init__(self, model: str, layer: int | None = None) -> None:
            self.name, self.layer = model, layer

        def f1(self, said: list[str], goals: list[str], told: Callable[[int], None]) -> list[float | None]:
            assert set(goals) == {"You want g1.", "You want g2."}
            told(len(said))
            return [0.5 if text.startswith("yes") else None if text.endswith("1") else 0.9 for text in said]

    monkeypatch.setattr("pytest_ugst.analysis.quality.similarity.Encoder", Encoder)
    make_run("one", played("g1"), played("g2", said="yes"))
    make_run("two", played("g2", said="yes", simulator="other"))
    assert report("quality", "one", "two", "--encoder", "tiny", "--encoder-layer", "5", "--style", "json") == 0
    told = table()[""]
    assert [line["f1"]["value"] for line in told["lines"]] == [pytest.approx(0.7), pytest.approx(0.5)]
    assert "F1: BERTScore of utterances and goal by tiny, layer 5, not rescaled" in told["notes"]


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
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told


def test_quality_without_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    make_run("one", played("g1"))
    monkeypatch.setitem(sys.modules, "bert_score", None)
    assert report("quality", "one", "--encoder", ".") == 4
    assert capsys.readouterr().err.startswith("ugst: bert_score is not installed")


# Agreement


def test_agreement_of_a_run_and_a_person(capsys: pytest.CaptureFixture[str], table: Told) -> None:
    episodes = played("g1"), played("g2", status="ATTEMPTED")
    make_run("one", *episodes)
    write_labels(Path("ann.jsonl"), [episode_labels(played(name), "Ann") for name in ("g1", "g2")])
    assert report("agreement", "ann.jsonl", "one", "--style", "json") == 0
    tables = table()
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


def test_agreement_of_judge_and_checks(table: Told) -> None:
    make_run("one", played("g1"))
    assert report("agreement", "one", "--checks", "--style", "json") == 0
    line, _ = table()["Agreement"]["lines"]
    assert line["annotators"] == "judges / checks"
    # "Oslo" is said in every turn, the judge saw it in the third only; on the other part the check has no say.
    assert (line["objective"]["successes"], line["n"]) == (1, 3)


def test_agreement_of_two_runs_with_the_same_judge(capsys: pytest.CaptureFixture[str], table: Told) -> None:
    make_run("one", played("g1"))
    make_run("two", played("g1", status="ATTEMPTED"))
    make_run("else", played("g1", said="Something else"))
    assert report("agreement", "one", "two", "--style", "json") == 0
    assert table()["Agreement"]["lines"][0]["annotators"] == "judges (one) / judges (two)"
    assert report("agreement", "one", "else") == 4
    told = capsys.readouterr().err
    assert "have labelled different conversations that are both called 'g1'" in told
    assert "Traceback" not in told


def test_agreement_of_files_with_the_same_name(capsys: pytest.CaptureFixture[str], table: Told) -> None:
    for folder, status in (("x", "COMPLETE"), ("y", "ATTEMPTED")):
        write_labels(Path(folder, "l.jsonl"), [episode_labels(played("g1", status=status), "Ann")])
    assert report("agreement", "x/l.jsonl", "y/l.jsonl", "--style", "json") == 0
    assert table()["Agreement"]["lines"][0]["annotators"] == "Ann (x/l.jsonl) / Ann (y/l.jsonl)"
    make_run("one", played("g1"))
    assert report("agreement", "one", "latest") == 4
    assert "one and latest are one source (" in capsys.readouterr().err


def test_generation_from_labels_of_several_trials(table: Told) -> None:
    trials = played("g1"), played("g1").model_copy(update={"id": "g1@2", "trial": 2})
    make_run("one", *trials)
    write_labels(Path("gold.jsonl"), [episode_labels(one, "Ann") for one in trials])
    assert report("generation", "gold.jsonl", "one", "--style", "json") == 0
    assert [line["recall"] for line in table()["Goal state generation"]["lines"]] == [100.0, 100.0]


def test_agreement_of_three(table: Told) -> None:
    make_run("one", played("g1"))
    for name, status in (("Ann", "COMPLETE"), ("Ben", "ATTEMPTED")):
        # One person's work may be spread over files.
        write_labels(Path(f"{name}-1.jsonl"), [episode_labels(played("g1", status=status), name)])
        write_labels(Path(f"{name}-2.jsonl"), [episode_labels(played("g2"), name)])
    files = [f"{name}-{i}.jsonl" for name in ("Ann", "Ben") for i in (1, 2)]
    assert report("agreement", *files, "one", "--style", "json") == 0
    tables = table()
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


# Generation

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


def test_generation_against_a_goal_file(capsys: pytest.CaptureFixture[str], table: Told) -> None:
    pytest.importorskip("scipy", reason="the extra stats")
    Path("gold.goal.yaml").write_text(GOALS)
    make_run("one", played("g1"))
    assert report("generation", "gold.goal.yaml", "one", "--style", "json", "--details") == 0
    told = table()
    _, pooled = told["Goal state generation"]["lines"]
    assert (pooled["precision"], pooled["recall"], pooled["accuracy"]) == (100.0, pytest.approx(200 / 3), 100.0)
    assert any("1 goal with nothing generated" in note for note in told["Goal state generation"]["notes"])
    assert [one["gold_text"] for one in told["Sub-components"]["lines"]] == [
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


# Cost, and journals that are not what they should be


def test_cost_by_role_episode_and_verdict(capsys: pytest.CaptureFixture[str], table: Told) -> None:
    make_run("one", played("g1"), played("g2"))
    assert report("cost", "one", "--style", "json") == 0
    whole, episode, each = table()["one"]["lines"]
    assert (whole["calls"], whole["prompt_tokens"], whole["cost"]) == (12, 2400, pytest.approx(1.2))
    assert (episode["group"], episode["calls"]) == ("per episode (2)", 6.0)
    assert (each["group"], each["cost"]) == ("per verdict (12)", pytest.approx(0.1))
    with Path(".ugst/runs/one/episodes.jsonl").open("a") as journal:
        journal.write('{"schema_version":1,"id":"torn\n')
    assert report("cost", "one") == 0
    told = capsys.readouterr().out
    assert "per verdict (12)" in told
    assert "one: journal: 1 line could not be read (the first: line 3: Invalid JSON: " in told
    make_run("two", played("g1"))
    assert report("cost", "one", "two", "--style", "csv") == 0
    told = capsys.readouterr().err
    assert told.count("seconds: waiting") == 1
    assert "\none: episodes took " in told
    assert "\ntwo: episodes took " in told


@pytest.mark.parametrize("command", [["agreement", "one", "two"], ["generation", "two", "one"], ["quality", "one"]])
def test_what_could_not_be_read_is_told(command: list[str], capsys: pytest.CaptureFixture[str], table: Told) -> None:
    folder = make_run("one", played("g1"))
    make_run("two", played("g1", judge="other"))
    with (folder / "episodes.jsonl").open("a") as journal:
        journal.write('{"schema_version":1,"id":"torn\n')
    assert report(*command, "--style", "json") == 0
    *_, last = table().values()
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
    told = capsys.readouterr().err
    assert "nowhere" in told
    assert "Traceback" not in told
