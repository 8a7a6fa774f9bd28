"""``--ugst-checks``: the judge that is named decides, and the checks of goals stand beside it."""

from __future__ import annotations

import json

import pytest

from tests.plugin_project import Project, goal

KIND = """
    from pytest_ugst import Verdict
    class Kind:
        name = "kind"
        async def judge(self, components, conversation, turn):
            return [Verdict(component=c.id, turn=turn, status="ALIGNED", by="kind") for c in components]
    class Strict:
        name = "strict"
        async def judge(self, components, conversation, turn):
            return [Verdict(component=c.id, turn=turn, status="MISALIGNED", by="strict") for c in components]
    registry.judge("kind", lambda argument, context: Kind())
    registry.judge("strict", lambda argument, context: Strict())
"""


@pytest.fixture
def cafe(project: Project) -> Project:
    """Four goals whose check the simulator meets in three."""
    with (project.path / "conftest.py").open("a") as file:
        file.write(KIND)
    project.goals("cafe.goal.yaml", *(goal(f"g{n}", wants="tea" if n else "coffee") for n in range(4)))
    return project


def average(project: Project) -> float:
    value: float = project.results()["rows"][-1]["rates"]["columns"]["avg"]["value"]
    return value


def journal(project: Project) -> list[dict[str, object]]:
    text = (project.runs()[-1] / "episodes.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("judge", "rate"), [("kind", 100.0), ("strict", 0.0)])
def test_the_judge_that_is_named_decides(cafe: Project, judge: str, rate: float) -> None:
    result = cafe.run(f"--ugst-judge={judge}", "--ugst-fail-under=0")
    assert average(cafe) == rate
    differing = {"kind": 1, "strict": 3}[judge]
    result.stdout.fnmatch_lines(
        [f"*checks beside the judge differ from it on {differing} of 4 sub-components ({differing * 25}.0%)"]
    )
    episodes = journal(cafe)
    assert {e["setting"]["checks"] for e in episodes} == {"beside"}  # type: ignore[index]
    assert {v["by"] for e in episodes for v in e["verdicts"]} == {judge}  # type: ignore[attr-defined]
    assert {v["by"] for e in episodes for v in e.get("second_opinions", ())} == {"checks"}  # type: ignore[attr-defined]


def test_checks_decide_in_the_judges_place_where_that_is_asked_for_and_it_is_said(cafe: Project) -> None:
    result = cafe.run("--ugst-judge=kind", "--ugst-checks=decide", "--ugst-fail-under=0")
    assert average(cafe) == 75.0
    result.stdout.fnmatch_lines(["*checks decided 4 of 4 sub-components in place of the judge kind"])
    assert "differ from it" not in result.stdout.str()


def test_checks_that_are_off_say_nothing(cafe: Project) -> None:
    result = cafe.run("--ugst-judge=kind", "--ugst-checks=off")
    assert average(cafe) == 100.0
    assert "checks decided" not in result.stdout.str()
    assert "differ from it" not in result.stdout.str()
    assert all("second_opinions" not in e for e in journal(cafe))


def test_where_checks_are_the_judge_nothing_changes(cafe: Project) -> None:
    result = cafe.run("--ugst-fail-under=0")
    assert average(cafe) == 75.0
    assert "in place of the judge" not in result.stdout.str()
    assert all("checks" not in e["setting"] for e in journal(cafe))  # type: ignore[operator]


def test_a_judge_of_a_tests_own_is_one_that_is_named(cafe: Project) -> None:
    cafe.tests(
        "@pytest.fixture(scope='session')\ndef judge():\n"
        "    return lambda component, conversation, turn: 'ALIGNED'\n"
        "@pytest.mark.ugst(goals='cafe.goal.yaml')\ndef test_it(episode):\n    assert episode.succeeded\n"
    )
    cafe.run("test_it.py").assert_outcomes(passed=4)


@pytest.mark.parametrize("mode", ["beside", "off"])
def test_checks_that_are_the_judge_cannot_step_back(cafe: Project, mode: str) -> None:
    result = cafe.run(f"--ugst-checks={mode}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --ugst-checks={mode}: the judge is 'checks', so nobody would decide; *"])
