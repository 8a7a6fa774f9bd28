"""Under pytest-xdist: the same, in several processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.plugin_project import QUICK, Project, goal, table

TEST = "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    assert episode.succeeded, episode.explain()\n"


def statuses(project: Project, run: int = -1) -> dict[str, dict[str, str]]:
    return {e["id"]: e["statuses"] for e in project.results(run)["episodes"]}


def test_the_shipped_suite_runs_under_xdist(project: Project) -> None:
    suite = Path(__file__).parents[2] / "suites" / "test_concierge.py"
    (project.path / "test_concierge.py").write_text(suite.read_text())
    options = ("--ugst-sim=agenda:contradiction", "--ugst-agent=rules", "-k", "castle-too-dear or call-it-off")
    result = project.launch("-n", "2", *options)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*user goal alignment*", "SUBFAILED[[]profile[]]*castle-too-dear*"])


def test_four_workers_come_to_the_same(project: Project) -> None:
    goals = [goal(f"g{n}", wants="tea" if n % 3 else "coffee", data={"turns": 1 + n % 4}) for n in range(12)]
    project.goals("goals/cafe.goal.yaml", *goals)
    project.tests(TEST)
    options = ("--ugst-fail-under=avg=50,policy=70", "test_it.py")
    alone = project.run(*options)
    together = project.launch(*options, "-n", "4")
    assert alone.ret == together.ret == pytest.ExitCode.TESTS_FAILED
    assert alone.parseoutcomes() == together.parseoutcomes()
    assert table(alone.outlines) == table(together.outlines)
    assert sum("user goal alignment" in line for line in together.outlines) == 1
    assert statuses(project, 0) == statuses(project, 1)
    first, second = ({e.id: (e.conversation, e.verdicts) for e in project.episodes(run)} for run in (0, 1))
    assert first == second
    assert len(project.episodes(1)) == 12  # each once
    together.stdout.fnmatch_lines(["ugst: simulator words, agent echo, judge checks", "ugst: 12 episodes, *"])
    together.stdout.fnmatch_lines(["FAILED --ugst-fail-under: policy: 66.7 is below 70, by 3.3"])
    assert list(Path(tempfile.gettempdir()).glob(f"ugst-{project.runs()[1].name}*")) == []


def test_a_worker_killed_in_an_episode_loses_nothing(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n}") for n in range(10)))
    project.tests(TEST)
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport os, pathlib, signal\nquiet = echo\n"
            "def echo(messages):\n"
            "    if len(messages) == 3:\n"
            "        try:\n"
            "            pathlib.Path('killed').touch(exist_ok=False)\n"
            "        except FileExistsError:\n"
            "            pass\n"
            "        else:\n"
            "            os.kill(os.getpid(), signal.SIGKILL)\n"
            "    return quiet(messages)\n"
        )
    result = project.launch("-n", "2")
    result.stdout.fnmatch_lines(["*node down: Not properly terminated*"])
    assert (project.path / "killed").exists()
    # xdist counts a test that was running as failed; the episode itself is played by another worker.
    assert sorted(statuses(project)) == [f"g{n}" for n in range(10)]
    assert {label for one in statuses(project).values() for label in one.values()} == {"ALIGNED"}
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


def test_what_workers_have_of_their_own_comes_together(project: Project) -> None:
    """Overriding fixtures, JUnit properties, and what hooks raise."""
    project.goals("cafe.goal.yaml", *(goal(f"g{n}") for n in range(6)))
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport pytest\n@pytest.fixture(scope='session')\ndef agent():\n    return lambda m: 'yes'\n"
            "def pytest_ugst_episode_finished(episode):\n    raise ValueError('no dashboard')\n"
        )
    result = project.launch("-n", "2", "--junitxml=junit.xml")
    result.assert_outcomes(passed=6)
    assert project.ids() == [f"g{n}+<lambda>" for n in range(6)]
    assert re.fullmatch(r"[-0-9]{10}T[-0-9]{8}-[0-9]{3}-[0-9a-f]{4}", project.runs()[0].name)  # as in one process
    assert statuses(project)["g3+<lambda>"] == {"policy-1": "ALIGNED"}
    result.stdout.fnmatch_lines(["pytest_ugst_episode_finished failed: ValueError: no dashboard"])
    assert 'name="ugst_episode" value="g3+&lt;lambda&gt;"' in (project.path / "junit.xml").read_text()
