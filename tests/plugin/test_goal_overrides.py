"""Goals that take the place of others with the same ids: decompositions that somebody has edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin_project import Project, goal

SOURCE = """
    from pytest_ugst.core.goal import Goal
    registry.goal_source("bare", lambda split: [Goal(id=f"g{n}", text="You say tea.") for n in range(3)])
"""
TEST = "def test_it(episode):\n    assert episode.succeeded\n"
MARK = "@pytest.mark.ugst(goals='bare', unplayable='skip')\n"


@pytest.fixture
def project(project: Project) -> Project:
    with (project.path / "conftest.py").open("a") as file:
        file.write(SOURCE)
    project.tests(f"{MARK}{TEST}")
    return project


def test_a_suite_plays_an_edited_decomposition(project: Project) -> None:
    """What nobody could decompose is played with the parts that stand in the file, and only with those."""
    project.run().assert_outcomes(skipped=3)
    parts = [goal(f"g{n}", wants="tea" if n else "coffee") for n in range(3)]
    project.goals("mine/a.goal.yaml", *parts[:2])
    project.goals("b.goal.yaml", parts[2], goal("of-another-suite"))
    result = project.run("--ugst-goals=mine, b.goal.yaml", "test_it.py")
    result.assert_outcomes(passed=2, failed=1)
    assert sorted(project.ids()) == ["g0", "g1", "g2"]
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_it?g0?*"])


def test_goals_of_files_and_the_ini_file(project: Project) -> None:
    project.tests(f"@pytest.mark.ugst(goals='old.goal.yaml')\n{TEST}")
    project.goals("old.goal.yaml", goal("tea", wants="coffee"), goal("other"))
    project.goals("new/tea.goal.yaml", goal("tea"))
    project.run("test_it.py", "old.goal.yaml").assert_outcomes(passed=2, failed=2)
    ini = project.path / "tox.ini"
    ini.write_text(f"{ini.read_text()}\nugst_goals = new\n")
    project.run("test_it.py", "old.goal.yaml").assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("none.goal.yaml", "--ugst-goals: *none.goal.yaml: there is no such file or folder"),
        ("bad.goal.yaml", "*bad.goal.yaml:1: *"),
        ("twice", "*'g0' is also the id of*"),
        ("else.goal.yaml", "--ugst-goals=*: no test asks for a goal with an id of its 1 goal (else); *"),
    ],
)
def test_files_that_are_no_good(given: str, told: str, project: Project) -> None:
    (project.path / "bad.goal.yaml").write_text("id: g0\n")
    project.goals("twice/a.goal.yaml", goal("g0"))
    project.goals("twice/b.goal.yaml", goal("g0"))
    project.goals("else.goal.yaml", goal("else"))
    project.goals("here.goal.yaml", goal("here"))
    result = project.run(f"--ugst-goals={given}", "test_it.py", "here.goal.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (result.stderr if given == "else.goal.yaml" else result.stdout).fnmatch_lines([f"*{told}"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project.path / ".ugst" / "runs").exists()


def test_a_shipped_suite(project: Project, tmp_path: Path) -> None:
    """The airline's goals out of the data, with the parts of a file."""
    tasks = project.path / "data" / "tau-bench" / "tau_bench" / "envs" / "airline" / "tasks_test.py"
    tasks.parent.mkdir(parents=True)
    task = 'Task(annotator="0", user_id="u", instruction="You say tea.", actions=[], outputs=[])'
    tasks.write_text(f"from tau_bench.types import Action, Task\nTASKS = [{task}, {task}]\n")
    suite = (Path(__file__).parents[2] / "suites" / "test_airline.py").read_text()
    (project.path / "test_airline.py").write_text(suite)
    edited = {**goal("tau-bench-airline-test-1"), "tags": ["test"]}
    project.goals("mine.goal.yaml", goal("tau-bench-airline-test-0"), edited)
    result = project.run("--ugst-data=data", "--ugst-goals=mine.goal.yaml", "test_airline.py")
    result.assert_outcomes(passed=2)
    assert project.ids() == ["tau-bench-airline-test-0", "tau-bench-airline-test-1"]
