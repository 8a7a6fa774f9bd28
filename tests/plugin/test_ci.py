"""What a run tells continuous integration: GitHub's summary page and the test suite's properties in JUnit files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.analysis.success.table import RatesRow
from pytest_ugst.analysis.summary import Summary, SummaryTable
from pytest_ugst.plugin.ci import job_summary
from tests.plugin_project import Project, goal, suite_properties


@pytest.fixture
def half(project: Project) -> Project:
    """Four goals of two benchmarks; one of them is missed."""
    made = [goal(f"g{n}", wants="tea" if n else "coffee") for n in range(4)]
    project.goals("cafe.goal.yaml", *made)
    return project


@pytest.fixture
def page(half: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = half.path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_the_summary_is_appended(half: Project, page: Path) -> None:
    page.write_text("before\n")
    half.run("--ugst-fail-under=80")
    half.run("--ugst-fail-under=70")
    before, first, second = page.read_text().split("## User goal alignment\n")
    assert before == "before\n"
    assert r"**FAILED --ugst-fail-under: avg: 75.0 is below 80, by 5**" in first
    assert "| words " in first
    assert "- 4 episodes (4 user ended), 2.0 turns on average" in first
    assert "**--ugst-fail-under=70: reached**" in second
    assert "\x1b" not in first


def test_without_the_variable_nothing_is_written(half: Project) -> None:
    half.run()
    assert not list(half.path.glob("*.md"))


def test_no_run_fails_by_its_summary(half: Project, page: Path) -> None:
    page.mkdir()
    result = half.run("-k", "g1")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"ugst: the summary is not in $GITHUB_STEP_SUMMARY: {page}: Is a directory"])


def test_a_full_page_is_left_as_it_is(half: Project, page: Path) -> None:
    page.write_bytes(b"x" * 999_999)
    half.run("-k", "g1").stdout.fnmatch_lines([f"ugst: the summary is not in $GITHUB_STEP_SUMMARY: {page} is full"])
    assert page.stat().st_size == 999_999


def test_a_summary_has_a_limit() -> None:
    rows = tuple(RatesRow(label=f"{n}-" * 20, rates=rates([])) for n in range(2000))
    text = job_summary(Summary((SummaryTable("", rows),), rows, (), {}, {}), ["a note"], ["reached"])
    assert 50_000 < len(text.encode()) <= 101_000
    assert text.rstrip().endswith("(there is more, which does not fit here)")
    assert "**reached**" in text


def test_rates_are_properties_of_the_test_suite(half: Project) -> None:
    result = half.run("--junitxml=junit.xml", "--ugst-fail-under=70", "--ugst-trials=1")
    assert result.ret == pytest.ExitCode.OK
    found = suite_properties(half.path / "junit.xml", 4)
    assert found["ugst_run"] == half.runs()[0].name
    assert found["ugst_avg"] == found["ugst_policy"] == "75.0000"
    assert 0 <= float(found["ugst_avg_low"]) <= 75 <= float(found["ugst_avg_high"])
    assert (found["ugst_n"], found["ugst_errors"], found["ugst_episodes"], found["ugst_unmeasured"]) == (
        "4",
        "0",
        "4",
        "0",
    )
    assert found["ugst_gate"] == "--ugst-fail-under=70: reached"
    assert "ugst_profile" not in found  # nothing of that kind was there to measure


def test_rows_have_properties_of_their_own(half: Project) -> None:
    half.tests(
        "@pytest.fixture\ndef simulator():\n    return lambda messages, goal: 'tea' if not messages else 'TERMINATE'\n"
        "@pytest.mark.ugst(goals='cafe.goal.yaml')\ndef test_it(episode):\n    pass\n"
    )
    half.run("--junitxml=junit.xml")
    suite = ElementTree.parse(half.path / "junit.xml").getroot().find("testsuite/properties")
    assert suite is not None
    found = {p.get("name"): p.get("value") for p in suite}
    assert (found["ugst_avg[words]"], found["ugst_avg[<lambda>]"], found["ugst_n"]) == ("75.0000", "75.0000", "8")
