"""Under pytest-xdist: the same, in several processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ugst.config.data_dirs import MARKS
from tests.plugin_project import QUICK, Project, ProjectFolder, goal, suite_properties, table

TEST = "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    assert episode.succeeded, episode.explain()\n"


@dataclass(frozen=True)
class Twice:
    """The same tests in one process and then in three workers, which compare with that first run."""

    project: ProjectFolder
    alone: pytest.RunResult
    together: pytest.RunResult


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    project = ProjectFolder(tmp_path_factory.mktemp("twice"))
    goals = [goal(f"g{n:02}", wants="tea" if n % 3 else "coffee", data={"turns": 1 + n % 4}) for n in range(12)]
    project.goals("goals/cafe.goal.yaml", *goals)
    project.tests(TEST)
    options = ("--ugst-fail-under=avg=50,policy=70", "test_it.py")
    alone = project.launch(*options, "--junitxml=alone.xml")
    together = project.launch(
        *(*options, "--junitxml=together.xml", "--ugst-baseline=latest", "-n", "3"),
        GITHUB_STEP_SUMMARY=str(project.path / "page.md"),
    )
    return Twice(project, alone, together)


def test_the_shipped_suite_runs_under_xdist(project: Project) -> None:
    suite = Path(__file__).parents[2] / "suites" / "test_concierge.py"
    (project.path / "test_concierge.py").write_text(suite.read_text())
    options = ("--ugst-sim=agenda:contradiction", "--ugst-agent=rules", "-k", "castle-too-dear or call-it-off")
    result = project.launch("-n", "2", *options)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*user goal alignment*", "SUBFAILED[[]profile[]]*castle-too-dear*"])


def test_several_workers_come_to_the_same(twice: Twice) -> None:
    project, alone, together = twice.project, twice.alone, twice.together
    assert alone.ret == together.ret == pytest.ExitCode.TESTS_FAILED
    assert alone.parseoutcomes() == together.parseoutcomes()
    assert table(alone.outlines) == table(together.outlines)
    assert sum("user goal alignment" in line for line in together.outlines) == 1
    assert project.statuses(0) == project.statuses(1)
    first, second = ({e.id: (e.conversation, e.verdicts) for e in project.episodes(run)} for run in (0, 1))
    assert first == second
    assert len(project.episodes(1)) == 12  # each once
    together.stdout.fnmatch_lines(["ugst: simulator words, agent echo, judge checks", "ugst: 12 episodes, *"])
    together.stdout.fnmatch_lines(["FAILED --ugst-fail-under: policy: 66.7 is below 70, by 3.3"])
    assert list(Path(tempfile.gettempdir()).glob(f"ugst-{project.runs()[1].name}*")) == []


def test_a_run_of_several_workers_is_compared_once(twice: Twice) -> None:
    assert sum(line.startswith("against latest: 12 goals") for line in twice.together.outlines) == 1
    compared = twice.project.results()["comparison"]
    assert [compared["base_run"], compared["run"]] == [run.name for run in twice.project.runs()]
    assert {finding["verdict"] for finding in compared["findings"]} == {"inconclusive"}


def test_the_summary_is_written_once_from_several_workers(twice: Twice) -> None:
    page = (twice.project.path / "page.md").read_text()
    assert page.count("## User goal alignment") == 1
    assert "- 12 episodes (12 user ended)" in page


def test_rates_are_the_same_properties_of_the_test_suite(twice: Twice) -> None:
    alone, together = (suite_properties(twice.project.path / f"{name}.xml", 12) for name in ("alone", "together"))
    assert (alone.pop("ugst_run"), together.pop("ugst_run")) == tuple(run.name for run in twice.project.runs())
    missed = alone.pop("ugst_gate")
    assert together.pop("ugst_gate") == f"{missed}\n--ugst-baseline=latest: no regression (2 inconclusive)"
    assert alone == together
    assert alone["ugst_policy"] == "66.6667"


def test_a_worker_killed_in_an_episode_loses_nothing(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n}") for n in range(10)))
    project.tests(TEST)
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport os, pathlib, signal, time\nquiet = echo\n"
            "def echo(messages):\n"
            "    if len(messages) == 3:\n"
            "        try:\n"
            "            pathlib.Path('killed').touch(exist_ok=False)\n"
            "        except FileExistsError:\n"
            "            pass\n"
            "        else:\n"
            "            time.sleep(0.5)  # xdist itself fails where a worker ends while it is given its tests\n"
            "            os.kill(os.getpid(), signal.SIGKILL)\n"
            "    return quiet(messages)\n"
        )
    result = project.launch("-n", "2")
    result.stdout.fnmatch_lines(["*node down: Not properly terminated*"])
    assert (project.path / "killed").exists()
    # xdist counts a test that was running as failed; the episode itself is played by another worker.
    assert sorted(project.statuses()) == [f"g{n}" for n in range(10)]
    assert {label for one in project.statuses().values() for label in one.values()} == {"ALIGNED"}
    assert project.ids() == sorted(f"g{n}" for n in range(10))
    assert sum("user goal alignment" in line for line in result.outlines) == 1


HANG = """
import threading
def echo(messages):
    if "hang" in messages[0]["content"]:
        open("hanging", "w").close()
        threading.Event().wait()
    return "yes"
"""


def test_exitfirst_stops_everything(project: Project) -> None:
    """Although all the other episodes would take for ever."""
    goals = [goal("a0", wants="coffee"), *(goal(f"b{n}", says="hang") for n in range(5))]
    project.goals("cafe.goal.yaml", *goals)
    with (project.path / "conftest.py").open("a") as file:
        file.write(HANG)
    result = project.launch("-n", "2", "-x")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["MISALIGNED policy: You say coffee", "*stopping after 1 failures*"])
    assert project.ids() == ["a0"]
    result.stdout.fnmatch_lines(["*5 selected episodes were not played*"])


def test_ctrl_c_stops_everything(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a0"), *(goal(f"b{n}", says="hang") for n in range(5)))
    with (project.path / "conftest.py").open("a") as file:
        file.write(HANG)
    command = [sys.executable, "-m", "pytest", *QUICK, "-n", "2", "-v"]
    process = subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "PASSED" in line:
            break
    while not (project.path / "hanging").exists():
        threading.Event().wait(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out = "".join(lines) + process.communicate(timeout=40)[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED, out
    assert project.ids() == ["a0"]
    assert "1 episode (1 user ended)" in out
    assert "5 selected episodes were not played" in out
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no worker is left


SOURCES = """
    from pytest_ugst.core.goal import Component, Goal
    tea = Component(id="p", category="policy", text="Tea.", check={"once": {"user_says": "tea"}})
    def towns(split):
        folder = registry.data_dirs.locate("multiwoz")
        yield Goal(id="town", text=f"You say tea in {folder.parent.name}.", components=[tea])
    def planes(split):
        return [registry.data_dirs.locate("tau-bench")]
    registry.goal_source("towns", towns)
    registry.goal_source("planes", planes)
    registry.goal_source("bare", lambda split: [Goal(id=f"bare-{n}", text="You say tea.") for n in range(3)])

import pytest
@pytest.fixture(scope="session")
def agent():
    return lambda messages: "yes"

def pytest_ugst_episode_finished(episode):
    raise ValueError("no dashboard")
"""


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProjectFolder, pytest.RunResult]:
    """Two workers with fixtures and hooks of the user's own, a data folder and edited goals."""
    project = ProjectFolder(tmp_path_factory.mktemp("varied"))
    project.append(SOURCES)
    project.goals("cafe.goal.yaml", *(goal(f"g{n}") for n in range(6)))
    project.goals("mine.goal.yaml", *(goal(f"bare-{n}") for n in range(3)))
    project.tests(TEST.replace("'goals'", "'towns'"), "test_towns.py")
    project.tests(TEST.replace("'goals'", "'planes'"), "test_planes.py")
    project.tests(TEST.replace("goals='goals'", "goals='bare', unplayable='skip'"), "test_bare.py")
    for mark in MARKS["multiwoz"]:
        path = project.path / "data" / "multiwoz" / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[]")
    nowhere = str(project.path / "nowhere")
    tests = ("cafe.goal.yaml", "test_towns.py", "test_planes.py", "test_bare.py")
    options = ("--ugst-data=data", "--ugst-goals=mine.goal.yaml", "--ugst-fail-under=50", "--junitxml=junit.xml")
    result = project.launch("-n", "2", *tests, *options, XDG_CACHE_HOME=nowhere, UGST_DATA=nowhere)
    return project, result


def test_what_workers_have_of_their_own_comes_together(varied: tuple[ProjectFolder, pytest.RunResult]) -> None:
    """Overriding fixtures, JUnit properties, and what hooks raise."""
    project, result = varied
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=10, skipped=1)
    assert [name for name in project.ids() if name.startswith("g")] == [f"g{n}+<lambda>" for n in range(6)]
    assert re.fullmatch(r"[-0-9]{10}T[-0-9]{8}-[0-9]{3}-[0-9a-f]{4}", project.runs()[0].name)  # as in one process
    assert project.statuses()["g3+<lambda>"] == {"policy-1": "ALIGNED"}
    result.stdout.fnmatch_lines(["pytest_ugst_episode_finished failed: ValueError: no dashboard"])
    assert 'name="ugst_episode" value="g3+&lt;lambda&gt;"' in (project.path / "junit.xml").read_text()
    assert suite_properties(project.path / "junit.xml", 11)["ugst_gate"] == "--ugst-fail-under=50: reached"


def test_the_data_folder_reaches_the_workers(varied: tuple[ProjectFolder, pytest.RunResult]) -> None:
    project, result = varied
    (episode,) = [episode for episode in project.episodes() if episode.goal.id == "town"]
    assert episode.goal.text == "You say tea in data."
    result.stdout.fnmatch_lines(["ugst: test_planes.py (1 skipped): the tau-bench data is not here: *"])


def test_edited_goals_reach_the_workers(varied: tuple[ProjectFolder, pytest.RunResult]) -> None:
    project, _ = varied
    edited = {name: statuses for name, statuses in project.statuses().items() if name.startswith("bare")}
    assert edited == {f"bare-{n}+<lambda>": {"policy-1": "ALIGNED"} for n in range(3)}
