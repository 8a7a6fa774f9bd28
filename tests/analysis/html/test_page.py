"""The page's file: whole, self-contained, and harmless whatever was said."""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ugst.analysis.failures.patterns import classify
from pytest_ugst.analysis.failures.record import Failure
from pytest_ugst.analysis.html.baseline import PageBaseline
from pytest_ugst.analysis.html.builder import build_page, page_path, write_page
from pytest_ugst.analysis.html.embedding import Chunks, embed
from pytest_ugst.analysis.html.page import render_page
from pytest_ugst.analysis.regression.baseline import baseline_of
from pytest_ugst.analysis.regression.changes import changes
from pytest_ugst.analysis.results import write_results
from pytest_ugst.analysis.success.gate import Gate
from pytest_ugst.analysis.summary import summarise
from pytest_ugst.cli import main
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.outcome import unplayed_outcome
from pytest_ugst.runs.reader import open_run
from tests.analysis.html.dinner_episodes import aligned, dinner
from tests.analysis.html.page_content import Page
from tests.factories import make_run
from tests.laws import share
from tests.plugin_project import Project, goal
from tests.strategies import json_values

HOSTILE = "</script><script>alert(1)</script><!-- <script> ]]> \u2028\u2029 \x00\x1b[31m \ud83d @@index@@ &lt;"
texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=60) | st.just(HOSTILE)


@given(st.recursive(texts | json_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner)))
@example([HOSTILE])
def test_embedded_json_comes_back_and_holds_no_markup(value: Any) -> None:
    made = embed(value)
    assert json.loads(made) == value
    assert made.isascii()
    assert not set("<>&") & set(made)


def test_numbers_that_json_can_not_hold() -> None:
    assert json.loads(embed({"a": [math.nan, math.inf, 1.5]})) == {"a": [None, None, 1.5]}


@share(0.8)
@given(texts, texts)
@example(HOSTILE, "</title><script>1</script>@@script@@")
def test_a_page_has_its_own_elements_only(text: str, title: str) -> None:
    chunks = Chunks()
    chunks.add({"text": text})
    plain = Page(render_page("title", {"text": ""}, ["QUJD"]))
    page = Page(render_page(title, {"text": text}, chunks.packed()))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.index == {"text": text}
    assert set(page.scripts) == {"index", "", "chunk-0"}


def test_all_that_is_needed_is_inside(tmp_path: Path) -> None:
    text = build_page(make_run(tmp_path / "runs" / "one", dinner()))
    page = Page(text)
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "data:")), (tag, address)
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", page.style)
    policy = next(
        a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for kind, code in (("style", page.style), ("script", page.scripts[""])):
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", page.scripts[""]
    )


def test_the_run_is_whole(tmp_path: Path) -> None:
    episodes = [dinner("lunch", trial=2), dinner("lunch"), aligned("dinner")]
    run = make_run(tmp_path / "runs" / "one", *episodes)
    page = Page(build_page(run))
    index = page.index
    assert [one["id"] for one in index["episodes"]] == ["dinner", "lunch", "lunch@2"]
    assert index["run"]["name"] == "one"
    assert index["run"]["setting"]["simulator"] == "users"
    assert (
        index["run"]["cost"]["roles"]["judge"]
        == Usage(calls=27, prompt_tokens=2700, completion_tokens=270, seconds=4.5, cost=0.06).model_dump()
    )
    assert index["run"]["cost"]["verdicts"] == sum(len(episode.verdicts) for episode in episodes)
    rates = summarise(run).rows[-1].rates
    assert index["run"]["tables"][-1]["rows"][-1]["rates"] == rates.model_dump(mode="json")
    assert [one["ok"] for one in index["episodes"]] == [True, False, False]
    assert [one.get("patterns") for one in index["episodes"]] == [None, ["contradiction"], ["contradiction"]]
    details = page.details()
    assert {name: one["id"] for name, one in details.items()} == {e.id: e.id for e in episodes}
    assert details["lunch"]["failures"][0]["turn"] == 2


def test_whose_fault_a_failed_task_is(tmp_path: Path) -> None:
    failed = {"task": 0.0}
    episodes = [dinner("strayed", task=failed), aligned("kept", task=failed), dinner("solved")]
    index = Page(build_page(make_run(tmp_path / "one", *episodes))).index
    faults = {one["id"]: one.get("fault") for one in index["episodes"]}
    assert faults == {"strayed": "both", "kept": "agent", "solved": None}


def test_one_episode_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "one", *(dinner(f"goal-{number}") for number in range(30)))
    alive: list[int] = []

    def counting(episode: Episode) -> tuple[Failure, ...]:
        if episode.id in ("goal-0", "goal-15", "goal-29"):  # it takes long where much is loaded
            alive.append(sum(type(one) is Episode for one in gc.get_objects()))
        return classify(episode)

    monkeypatch.setattr("pytest_ugst.analysis.html.builder.classify", counting)
    build_page(run)
    assert len(alive) == 3
    assert max(alive) - alive[0] <= 1


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    run = make_run(tmp_path / "one", dinner())
    assert build_page(run) == build_page(run, summarise(run))


def test_what_could_not_be_played_is_reported(tmp_path: Path) -> None:
    run = make_run(tmp_path / "one", dinner())
    results = summarise(run).results(run, gate=Gate(floors={"avg": 99.0}), missed=["Avg 60.0 is below 99.0"])
    missing = unplayed_outcome("trip", "trip", 1, "no answer")
    write_results(run.folder / "results.json", results.model_copy(update={"episodes": (*results.episodes, missing)}))
    overview = Page(build_page(run)).index["run"]
    assert overview["unplayed"] == [{"id": "trip", "why": "no answer"}]
    assert overview["missed"] == ["Avg 60.0 is below 99.0"]
    run.failures = {"tour": "no components"}
    assert Page(build_page(run)).index["run"]["unplayed"] == [{"id": "tour", "why": "no components"}]


def test_a_journal_alone_is_enough(tmp_path: Path) -> None:
    run = make_run(tmp_path / "one", dinner())
    (run.folder / "run.json").unlink()
    index = Page(build_page(open_run(tmp_path, str(run.folder)))).index
    assert index["run"]["setting"]["simulator"] == "users"


def test_against_a_baseline(tmp_path: Path) -> None:
    run = make_run(tmp_path / "new", dinner("lunch"), aligned("dinner"), aligned("new"))
    before = make_run(tmp_path / "old", aligned("lunch"), dinner("dinner"))
    index = Page(build_page(run, baseline=PageBaseline.of(run, baseline_of(before), "main"))).index
    assert {one["id"]: one.get("base") for one in index["episodes"]} == {
        "lunch": "AACCA",
        "dinner": "MMCCA",
        "new": None,
    }
    made = index["baseline"]
    assert (made["name"], made["goals"], made["simulators"]) == ("main", 2, ["users"])
    profile = made["columns"]["profile"]
    assert (profile["base"], profile["new"], profile["value"]) == (50.0, 50.0, 0.0)
    assert (profile["better"], profile["worse"], profile["verdict"]) == (1, 1, "inconclusive")
    assert "of 2 before and 3 now" in " ".join(made["notes"])


def test_episodes_are_paired_as_the_comparison_pairs_them(tmp_path: Path) -> None:
    lunch = aligned("lunch")
    before = make_run(
        tmp_path / "old",
        lunch.model_copy(update={"goal": lunch.goal.model_copy(update={"text": "You want something else."})}),
        aligned("dinner", id="dinner+bob"),
    )
    run = make_run(tmp_path / "new", lunch, dinner("dinner", id="dinner+alice"))
    base, new = baseline_of(before), baseline_of(run)
    assert [one.episode for one in changes(base, new)] == ["dinner+alice"]
    index = Page(build_page(run, baseline=PageBaseline.of(run, base, "main"))).index
    assert {one["id"]: one.get("base") for one in index["episodes"]} == {"lunch": None, "dinner+alice": "AACCA"}


def test_a_baseline_of_other_goals(tmp_path: Path) -> None:
    run = make_run(tmp_path / "new", dinner("lunch"))
    before = make_run(tmp_path / "old", dinner("dinner"))
    with pytest.raises(UsageError, match="main and new share no goal"):
        PageBaseline.of(run, baseline_of(before), "main")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "runs" / "one", dinner(), dinner("lunch"))
    assert main(["report", "html", "--dir", str(tmp_path)]) == 0
    assert f"{run.folder / 'report.html'}: 2 episodes" in capsys.readouterr().out
    other = tmp_path / "page.html"
    make_run(tmp_path / "runs" / "old", aligned("lunch"))
    assert main(["report", "html", "one", "--dir", str(tmp_path), "--out", str(other), "--baseline", "old"]) == 0
    assert Page(other.read_text()).index["baseline"]["name"] == "old"
    capsys.readouterr()
    assert main(["report", "html", "one", "--dir", str(tmp_path), "--baseline", str(run.folder)]) == 4
    assert capsys.readouterr().err == f"ugst: --baseline={run.folder}: this is the run itself; name another one\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["two"], "two: no such run"),
        (["--baseline", "two"], "two: no such run"),
        (["--baseline", "two.json"], "two.json: there is no such file"),
        (["--out", "/dev/null/page.html"], "--out=/dev/null/page.html: /dev/null is no folder"),
        (["--out", "."], "--out=.: this is a folder; name a file in it"),
    ],
)
def test_command_in_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str) -> None:
    make_run(tmp_path / "runs" / "one", dinner())
    assert main(["report", "html", "--dir", str(tmp_path), *more]) == 4
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_page_is_replaced_whole(tmp_path: Path) -> None:
    run = make_run(tmp_path / "one", dinner())
    path = tmp_path / "page.html"
    path.write_text("old")
    write_page(run, path)
    assert path.read_text().startswith("<!doctype html>")
    assert {file.name for file in tmp_path.iterdir()} == {"one", "page.html"}


def test_option_writes_into_the_run(pytester: pytest.Pytester) -> None:
    project = Project(pytester)
    project.goals("a.goal.yaml", goal("tea"), goal("coffee", says="milk"))
    result = project.run("--ugst-html")
    path = project.runs()[-1] / "report.html"
    result.stdout.fnmatch_lines([f"page: {path}"])
    assert [one["id"] for one in Page(path.read_text()).index["episodes"]] == ["coffee", "tea"]
    run = open_run(project.path / ".ugst", "latest")
    assert Page(build_page(run)).index["episodes"] == Page(path.read_text()).index["episodes"]


def test_option_with_a_baseline(pytester: pytest.Pytester) -> None:
    project = Project(pytester)
    project.goals("a.goal.yaml", goal("tea"), goal("coffee"))
    project.run()
    project.goals("a.goal.yaml", goal("tea"), goal("coffee", says="milk", wants="coffee"))
    project.run("--ugst-html=page.html", "--ugst-baseline=latest", "--ugst-baseline-allow=goals")
    index = Page((project.path / "page.html").read_text()).index
    assert index["baseline"]["goals"] == 1
    assert {one["id"]: one.get("base") for one in index["episodes"]}["tea"] == "A"


def test_option_names_a_file(pytester: pytest.Pytester) -> None:
    project = Project(pytester)
    project.goals("a.goal.yaml", goal("tea"))
    project.run("--ugst-html=page.html")
    assert Page((project.path / "page.html").read_text()).index["episodes"][0]["ok"]


@pytest.mark.parametrize(
    ("value", "message"), [("suites", "ends in .html, or none"), ("conftest.py/page.html", "conftest.py is no folder")]
)
def test_option_in_error(pytester: pytest.Pytester, value: str, message: str) -> None:
    project = Project(pytester)
    project.goals("a.goal.yaml", goal("tea"))
    result = project.run(f"--ugst-html={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--ugst-html={value}*{message}*"])
    assert not project.runs()


def test_a_page_that_can_not_be_written_costs_nothing_else(pytester: pytest.Pytester) -> None:
    project = Project(pytester)
    project.goals("a.goal.yaml", goal("tea"))
    project.tests("from pathlib import Path\n\ndef test_it():\n    Path('pages').write_text('a file by now')\n")
    result = project.run("--ugst-html=pages/page.html")
    result.stdout.fnmatch_lines(["*user goal alignment*", "no page: --ugst-html=pages/page.html: *pages is no folder*"])
    assert result.ret == pytest.ExitCode.OK
    assert project.results()["episodes"]


def test_path_of_the_page(tmp_path: Path) -> None:
    assert page_path("auto", tmp_path, tmp_path / "run") == tmp_path / "run" / "report.html"
    assert page_path("a.html", tmp_path) == tmp_path / "a.html"
    assert page_path(str(tmp_path / "b.htm"), Path("/elsewhere")) == tmp_path / "b.htm"
