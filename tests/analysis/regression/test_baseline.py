"""Baselines keep the results of a run, and files that are no baselines are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from pytest_ugst.analysis.html.builder import build_page
from pytest_ugst.analysis.regression.baseline import Baseline, baseline_of, find_baseline, read_baseline, write_baseline
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.cli import main
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.status import Category
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.domains.fingerprint import fingerprints
from pytest_ugst.runs.outcome import tally
from pytest_ugst.runs.reader import open_run
from tests.analysis.html.page_content import Page
from tests.factories import make_setting, record
from tests.laws import share
from tests.policy_episodes import episode
from tests.strategies import episodes


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(**changes: Any) -> Path:
    """A baseline's file, with some of its fields changed."""
    run = record(Path(".ugst"), "first", *(episode(f"g{n}", {"x": n > 0, "y": True}) for n in range(3)))
    path = Path("main.json")
    write_baseline(path, baseline_of(run))
    if changes:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_the_same_run_gives_the_same_bytes_and_a_goal_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    path = saved()
    assert main(["baseline", "save", "first", "--out", "again.json"]) == 0
    assert Path("again.json").read_bytes() == path.read_bytes()
    assert capsys.readouterr().out == "again.json: 3 goals, 3 episodes, 6 sub-components of first\n"
    lines = [line for line in path.read_text().splitlines() if '"id":"g' in line]
    assert [json.loads(line.rstrip(","))["trials"][0]["statuses"] for line in lines] == [
        {"x": "MISALIGNED", "y": "ALIGNED"},
        *[{"x": "ALIGNED", "y": "ALIGNED"}] * 2,
    ]


@given(st.lists(episodes(bare=True), max_size=5, unique_by=lambda one: one.id))
@share(0.4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_gives_the_rates_of_the_run(tmp_path: Path, played: list[Episode]) -> None:
    # One goal, one set of sub-components: what differs between trials is no goal that can be compared.
    first: dict[str, Episode] = {}
    for one in played:
        first.setdefault(one.goal.id, one)
    played = [one.model_copy(update={"goal": first[one.goal.id].goal}) for one in played]
    run = record(tmp_path / str(len(list(tmp_path.iterdir()))), "run", *played)
    write_baseline(tmp_path / "kept", baseline_of(run))
    kept = read_baseline(tmp_path / "kept")
    assert kept == baseline_of(run)
    expected = rates(map(tally, played), resamples=0)
    sums: dict[Category, float] = {}
    for goal in kept.goals:
        for category, successes in goal.successes().items():
            sums[category] = sums.get(category, 0) + successes * len(goal.trials)
    assert kept.episodes == len(played)
    assert kept.errors == sum(state.error is not None for one in played for state in one.final_state)
    for category, total in sums.items():
        assert total == pytest.approx(expected.columns[category].successes)


def test_a_run_or_a_file_or_a_file_of_a_run() -> None:
    path = saved()
    run = Path(".ugst/runs/first")
    kept, of_file = find_baseline(Path(".ugst"), str(path))
    assert of_file is None
    for name in ("first", "latest", str(run), str(run / "episodes.jsonl")):
        found, of_run = find_baseline(Path(".ugst"), name)
        assert found == kept
        assert of_run is not None
        assert of_run.name == "first"
    (run / "run.json").unlink()
    assert find_baseline(Path(".ugst"), str(run))[0] == kept  # the journal alone tells all but the domains' data


def test_a_goal_that_was_cut_up_in_two_ways_is_like_no_other() -> None:
    same = episode("g", {"x": True})
    other = episode("g", {"x": True}, trial=2)
    parts = tuple(part.model_copy(update={"text": "else"}) for part in other.components)
    mixed = other.model_copy(update={"goal": other.goal.model_copy(update={"components": parts})})
    one, two = (baseline_of(record(Path(".ugst"), n, same, e)) for n, e in (("a", other), ("b", mixed)))
    assert one.goals[0].text == two.goals[0].text
    assert one.goals[0].parts != two.goals[0].parts
    assert len(two.goals[0].trials) == 2


def test_a_trial_with_other_parts_is_left_out_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path(".ugst"), "run", episode("g", {"x": True}), episode("g", {"y": True}, trial=2))
    record(Path(".ugst"), "base", episode("g", {"x": True}))
    assert main(["baseline", "save", "run", "--out", "b.json"]) == 0
    why = "cut into other sub-components than the goal's other trials"
    assert f"not in it: g@2: {why}" in capsys.readouterr().out
    assert [one.id for one in read_baseline(Path("b.json")).goals[0].trials] == ["g"]
    assert main(["report", "compare", "base", "run"]) == 0
    assert f"g@2 is not compared: {why}" in " ".join(capsys.readouterr().out.split())


def test_what_is_missing_in_a_run_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    lost = episode("g", {"x": True}).model_copy(
        update={"verdicts": (Verdict(component="x", turn=1, error="no answer", by="judges"),)}
    )
    record(Path(".ugst"), "run", lost)
    assert main(["baseline", "save", "run", "--out", "b.json"]) == 0
    assert "1 sub-component has no trustworthy verdict" in capsys.readouterr().out
    assert read_baseline(Path("b.json")).goals[0].successes() == {"policy": 0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kind": "else"},
            "main.json is no baseline; save one with 'ugst baseline save RUN --out FILE', or name a run",
        ),
        ({"schema_version": 9}, "main.json is a baseline of format 9, and this version reads format 1; save it anew"),
        ({"goals": 3}, "main.json: goals: Input should be a valid"),
        ({"more": 1}, "main.json: more: Extra inputs are not permitted"),
    ],
)
def test_what_is_no_baseline_is_refused_in_a_line(changes: dict[str, Any], message: str) -> None:
    path = saved(**changes)
    with pytest.raises(UsageError) as caught:
        read_baseline(path)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"x":"MISALIGNED"', '"x":"COMPLETE"', "goals.0: g0: x: 'COMPLETE' is no status of a policy"),
        ('"x":"MISALIGNED",', "", "goals.0: g0: the statuses are not those of the goal's sub-components"),
        ('"id":"g1","domain"', '"id":"g0","domain"', "goals: a goal occurs twice"),
        (
            '"trials":[{"id":"g0","trial":1,"statuses":{"x":"MISALIGNED","y":"ALIGNED"}}]',
            '"trials":[]',
            "'g0' has no trial",
        ),
        ('"trials":[{"id":"g0"', '"trials":[{"id":7', "goals.0.trials.0.id: Input should be a valid string"),
    ],
)
def test_what_contradicts_itself_is_refused(old: str, new: str, message: str) -> None:
    path = saved()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=r"main\.json: ") as caught:
        read_baseline(path)
    assert message in str(caught.value)


def test_the_digest_of_a_goal_cut_up_in_two_ways_is_that_of_any_order() -> None:
    def text(words: str, trial: int) -> Episode:
        one = episode("g", {"x": True}, trial=trial)
        parts = tuple(part.model_copy(update={"text": words}) for part in one.components)
        return one.model_copy(update={"goal": one.goal.model_copy(update={"components": parts})})

    trials = [text(words, number) for number, words in enumerate("ABA", 1)]
    one = baseline_of(record(Path(".ugst"), "a", *trials))
    other = baseline_of(record(Path(".ugst"), "b", *(trials[n] for n in (1, 0, 2))))
    assert one.goals[0].parts == other.goals[0].parts
    assert one.goals[0].parts.count("+") == 1


def test_a_damaged_journal_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    saved()
    journal = Path(".ugst/runs/first/episodes.jsonl")
    journal.write_bytes(b"{\n" + journal.read_bytes()[:-9])
    assert main(["baseline", "save", "first", "--out", "cut.json"]) == 0
    assert "journal: 1 line could not be read (the first: line 1: Invalid JSON" in (output := capsys.readouterr().out)
    assert "journal: its last line is cut off\n" in output
    assert main(["show", "--run", "first"]) == 0
    assert "ugst: first: journal: its last line is cut off\n" in capsys.readouterr().err
    assert Page(build_page(open_run(Path(".ugst"), "first"))).index["run"]["faults"][1] == "its last line is cut off"


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 100_000, b"[1]", b"null"])
def test_anything_else_is_refused(data: bytes) -> None:
    Path("b.json").write_bytes(data)
    with pytest.raises(UsageError, match=r"b\.json is no "):
        read_baseline(Path("b.json"))


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "compare", "nowhere.json", "latest"]) == 4
    assert capsys.readouterr().err == (
        "ugst: nowhere.json: there is no such file; name a baseline that was saved, or a run\n"
    )


def test_settings_do_not_depend_on_the_order_of_playing() -> None:
    first, second = episode("a", {"x": True}), episode("b", {"x": True}, setting=make_setting(seed=3))
    one, other = (baseline_of(record(Path(n), "run", *e)) for n, e in (("1", (first, second)), ("2", (second, first))))
    assert one == other
    assert len(one.settings) == 2


def test_a_run_knows_its_data() -> None:
    known = fingerprints(["concierge", "nobody's"])
    assert list(known) == ["concierge"]
    run = record(Path(".ugst"), "run")
    assert run.read_data() == {}
    other = type(run)(run.folder.with_name("other"))
    other.create(make_setting(), known)
    assert other.read_data() == known
    assert isinstance(baseline_of(other), Baseline)
