"""Data that is not on this machine, splits, and a table per benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ugst.config.data_dirs import MARKS
from tests.plugin_project import Project, goal, table

TEST = "def test_it(episode):\n    assert episode.succeeded\n"
SOURCES = """
    from pytest_ugst.core.goal import Component, Goal
    tea = Component(id="p", category="policy", text="Tea.", check={"once": {"user_says": "tea"}})
    def towns(split):
        folder = registry.data_dirs.locate("multiwoz")
        yield Goal(id=f"t-{split}", text=f"You say tea in {folder.parent.name}.", components=[tea])
    registry.goal_source("towns", towns)
    def drinks(split):
        for number in range(2):
            yield Goal(id=f"{split or 'all'}-{number}", text="You say tea.", components=[tea])
    registry.goal_source("drinks", drinks)
"""


@pytest.fixture
def project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.path / "cache"))
    monkeypatch.delenv("UGST_DATA", raising=False)
    with (project.path / "conftest.py").open("a") as file:
        file.write(SOURCES)
    return project


def make_town(folder: Path) -> None:
    for mark in MARKS["multiwoz"]:
        path = folder / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[]")


def _ini(project: Project, line: str) -> None:
    path = project.path / "tox.ini"
    path.write_text(f"{path.read_text()}\n{line}\n")


def test_without_the_data_of_a_source_the_test_is_skipped(project: Project) -> None:
    project.tests(f"@pytest.mark.ugst(goals='towns', split=['test', 'train'])\n{TEST}\ndef test_else(): pass\n")
    project.goals("cafe.goal.yaml", goal("tea"))
    with (project.path / "test_it.py").open("a") as file:
        file.write(f"@pytest.mark.ugst(goals='towns')\n{TEST.replace('test_it', 'test_again')}")
    result = project.run("-rs")
    result.assert_outcomes(passed=2, skipped=2)
    assert result.ret == pytest.ExitCode.OK
    told = (
        "the multiwoz data is not here: run 'ugst data fetch multiwoz', or set UGST_DATA (or --ugst-data) to a folder"
    )
    result.stdout.fnmatch_lines([f"ugst: test_it.py (2 skipped): {told}*"])
    result.stdout.fnmatch_lines([f"SKIPPED ?1? test_it.py*: {told}*"] * 2)
    assert project.ids() == ["tea"]
    project.run("-m", "train").assert_outcomes(skipped=1, deselected=3)


def test_with_nothing_else_to_play_no_run_is_begun(project: Project) -> None:
    project.tests(f"@pytest.mark.ugst(goals='towns')\n{TEST}")
    result = project.run()
    result.assert_outcomes(skipped=1)
    assert result.ret == pytest.ExitCode.OK
    assert project.runs() == []


@pytest.mark.parametrize("how", ["option", "variable", "cache", "ini"])
def test_where_data_is_looked_for(project: Project, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project.tests(f"@pytest.mark.ugst(goals='towns', split='x')\n{TEST}")
    options = []
    if how == "cache":
        make_town(project.path / "cache" / "pytest-ugst" / "data" / "multiwoz")
    else:
        make_town(project.path / "mine" / "multiwoz")
    if how == "option":
        options = ["--ugst-data=mine"]
    elif how == "ini":
        _ini(project, "ugst_data = mine")
    elif how == "variable":
        monkeypatch.setenv("UGST_DATA", str(project.path / "mine"))
    project.run(*options).assert_outcomes(passed=1)
    (episode,) = project.episodes()
    assert episode.goal.text == f"You say tea in {'data' if how == 'cache' else 'mine'}."


def test_a_data_folder_that_is_not_there(project: Project) -> None:
    project.tests(f"@pytest.mark.ugst(goals='towns')\n{TEST}")
    result = project.run("--ugst-data=typo")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--ugst-data=typo: there is no such folder; name one that holds the data" in str(result.outlines)


@pytest.mark.parametrize(
    ("domain", "told"),
    [("hotels", "unknown domain 'hotels'"), ("retail", "the tau-bench data is not here: run 'ugst data fetch")],
)
def test_a_goal_file_that_names_an_absent_domain_is_an_error(project: Project, domain: str, told: str) -> None:
    project.goals("cafe.goal.yaml", goal("tea", domain=domain))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in str(result.errlines)


# Splits


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], ["test-0", "test-1"]),
        (["-m", "train"], ["train-0", "train-1"]),
        (["-m", "train or dev"], ["dev-0", "dev-1", "train-0", "train-1"]),
        (["-m", "test or train"], ["test-0", "test-1", "train-0", "train-1"]),
        (["-m", "not train"], ["test-0", "test-1"]),
        (["-m", "not slow"], ["test-0", "test-1"]),
        (["-m", "train and not slow", "-k", "0"], ["train-0"]),
    ],
)
def test_a_split_is_chosen_by_its_marker(project: Project, options: list[str], ids: list[str]) -> None:
    project.tests(f"@pytest.mark.ugst(goals='drinks', split=['test', 'train', 'dev'])\n{TEST}")
    _ini(project, "markers = slow")
    project.run("--strict-markers", *options).assert_outcomes(passed=len(ids), deselected=_any(options))
    assert project.ids() == ids


def _any(options: list[str]) -> int:
    """How many are left out of those that the expression mentions, and of the first split."""
    return {"": 0, "train": 2, "train or dev": 2, "not train": 2, "train and not slow": 3}.get(
        options[1] if options else "", 0
    )


def test_a_single_split_is_no_marker(project: Project) -> None:
    project.tests(f"@pytest.mark.ugst(goals='drinks', split='train')\n{TEST}")
    project.run().assert_outcomes(passed=2)
    assert project.ids() == ["train-0", "train-1"]
    project.run("-m", "train").assert_outcomes(deselected=2)


@pytest.mark.parametrize("split", ["[]", "['a', 3]", "['not a name']", "7"])
def test_no_splits(project: Project, split: str) -> None:
    project.tests(f"@pytest.mark.ugst(goals='drinks', split={split})\n{TEST}")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "give the name of a part, or a list of them" in str(result.outlines)


# Tables


def test_a_table_per_benchmark_and_the_overall_one(project: Project) -> None:
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\n    from pytest_ugst.core.protocols import NoSession\n"
            "    class Scored(NoSession):\n"
            "        def scores(self, conversation):\n"
            "            return {'task': float(self.notes['seed'] % 2), 'db': 1.0}\n"
            "    class Town:\n"
            "        name = 'town'\n"
            "        def open(self, goal, seed):\n"
            "            return Scored()\n"
            "    registry.domain('town', Town)\n"
        )
    project.goals("cafe.goal.yaml", goal("tea", domain="town"), goal("coffee", wants="coffee"))
    result = project.run("--ugst-trials=2")
    start = next(i for i, line in enumerate(result.outlines) if "user goal alignment" in line)
    lines = [line for line in result.outlines[start:] if line]
    shown = [line.split()[0] for line in lines if line.split()[0] in ("town", "no", "all", "words")]
    assert shown in (
        ["no", "words", "town", "words", "all", "words"],
        ["town", "words", "no", "words", "all", "words"],
    )
    result.stdout.fnmatch_lines(["agent's own score, in percent of 2 episodes: pass^1 *, pass^2 *, db 100.0"])
    assert sum(line.startswith("rates in percent") for line in lines) == 1
    assert {row["label"] for row in project.results()["rows"]} == {"town", "no domain", "all"}
    assert project.results()["rows"][-1]["label"] == "all"


def test_a_single_benchmark_is_a_single_table(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("tea"), goal("coffee", wants="coffee"))
    result = project.run()
    assert any(line.startswith("words") for line in table(result.outlines))
    assert project.results()["rows"][-1]["label"] == "words"
