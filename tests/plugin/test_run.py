"""What is started, what is kept, and what is played again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from tests.chat_server import Body, ChatServer
from tests.plugin_project import QUICK, Project, goal, seen

TEST = "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    assert episode.succeeded, episode.explain()\n"
HANGING = """
import threading

def hangs(messages, session):
    if "hang" in messages[0]["content"]:
        open("hanging", "w").close()
        threading.Event().wait()
    return "yes"

import pytest
@pytest.fixture(scope="session")
def agent():
    return hangs
"""


def test_only_what_is_selected_is_played(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n}", tags=["hot"] if n == 1 else []) for n in range(4)))
    project.tests(TEST + "@pytest.mark.later\n" + TEST.replace("test_it", "test_more"))
    marker = ("-W", "ignore::pytest.PytestUnknownMarkWarning", "test_it.py")
    for args, ids in [
        (("-k", "g1 or g3"), ["g1", "g3"]),
        (("-m", "later", "-k", "g0 or g2"), ["g0", "g2"]),
        (("--deselect=test_it.py::test_it[g0]", "-k", "not later"), ["g1", "g2", "g3"]),
    ]:
        project.run(*marker, *args)
        assert project.ids() == ids
    project.run("test_it.py::test_it[g2]")
    assert project.ids() == ["g2"]
    project.run("goals/cafe.goal.yaml::g3")
    assert project.ids() == ["g3"]


def test_last_failed_plays_what_failed(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b", wants="coffee"), goal("c"))
    project.pytester.runpytest_inprocess()
    project.pytester.runpytest_inprocess("--lf").assert_outcomes(failed=1)
    assert project.ids() == ["b"]


@pytest.mark.parametrize(
    "args",
    [
        ("--collect-only",),
        ("--collect-only", "-q"),
        ("--fixtures",),
        ("--fixtures-per-test",),
        ("--setup-plan",),
        ("--markers",),
        ("--help",),
    ],
)
def test_looking_plays_nothing(project: Project, args: tuple[str, ...]) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    result = project.run(*args)
    assert result.ret == 0
    assert not (project.path / ".ugst").exists()


def test_options_are_documented_with_their_ini_twins(project: Project) -> None:
    out = project.run("--help").stdout.str()
    for name in ("sim", "agent", "judge", "fail-under", "resume", "concurrency"):
        assert f"--ugst-{name}" in out
        assert f"ugst_{name.replace('-', '_')}" in out
    assert "ugst(goals, split=None" in project.run("--markers").stdout.str()


def test_exitfirst_keeps_what_is_done_and_drops_the_rest(project: Project) -> None:
    """The third goal's agent hangs for ever; the second one's failure ends the session all the same."""
    project.goals("cafe.goal.yaml", goal("a"), goal("b", wants="coffee"), goal("c", says="hang"))
    with (project.path / "conftest.py").open("a") as file:
        file.write(HANGING)
    result = project.launch("-x")
    result.assert_outcomes(passed=1, failed=1)
    assert set(project.ids()) == {"a+hangs", "b+hangs"}
    result.stdout.fnmatch_lines(["2 episodes (2 user ended)*", "1 selected episode was not played; --ugst-resume=*"])


def test_the_progress_line_is_gone_when_tests_go_on(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("g0"), goal("g1", wants="coffee"))
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport time, pytest\nfrom pytest_ugst.plugin import terminal\n"
            "terminal._FIRST = terminal._ON_TERMINAL = 0.0\n"
            "@pytest.fixture\ndef agent():\n    return lambda messages: time.sleep(0.4) or 'yes'\n"
        )
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "pytest", *QUICK, "--color=no", "--tb=no"]
    process = subprocess.Popen(
        command, cwd=project.path, stdout=theirs, stdin=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm"}
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux's way to say that nobody writes any more
        while more := os.read(ours, 4096):
            written += more
    os.close(ours)
    assert process.wait(40) == pytest.ExitCode.TESTS_FAILED
    told = written.decode()
    progress = re.compile(r"ugst: \d+/\d+ episodes")
    assert len(progress.findall(told)) >= 2
    lines = seen(told)
    assert [line.split() for line in lines if line.startswith("cafe.goal.yaml ")] == [
        ["cafe.goal.yaml", ".F", "[100%]"]
    ]
    assert not [line for line in lines if progress.search(line)]


def test_ctrl_c_keeps_what_is_done_and_leaves_nothing_hanging(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"), goal("c", says="hang"))
    with (project.path / "conftest.py").open("a") as file:
        file.write(HANGING)
    command = [sys.executable, "-m", "pytest", *QUICK, "-v"]
    process = subprocess.Popen(
        command, cwd=project.path, stdout=subprocess.PIPE, text=True, env={**os.environ, "CI": ""}
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "::b PASSED" in line:
            break
    while not (project.path / "hanging").exists():
        threading.Event().wait(0.01)
    process.send_signal(signal.SIGINT)
    out = "".join(lines) + process.communicate(timeout=30)[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in out
    assert "2 episodes (2 user ended)" in out
    assert project.ids() == ["a+hangs", "b+hangs"]
    assert len(project.results()["episodes"]) == 2


def test_resuming_plays_what_is_missing(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"))
    project.run("cafe.goal.yaml::a").assert_outcomes(passed=1)
    result = project.run("--ugst-resume")
    result.assert_outcomes(passed=2)
    (run,) = project.runs()
    assert sorted(e.id for e in project.episodes()) == ["a", "b"]
    result.stdout.fnmatch_lines(["2 episodes *"])
    # By name, with nothing left to play.
    project.run(f"--ugst-resume={run.name}").assert_outcomes(passed=2)
    assert len(project.episodes()) == 2
    # More of the same.
    project.run(f"--ugst-resume={run}", "--ugst-trials=2").assert_outcomes(passed=4)
    assert project.ids() == ["a", "a@2", "b", "b@2"]


def test_the_latest_run_is_resumed(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"))
    project.run("cafe.goal.yaml::a")
    first = project.runs()[0].rename(project.path / ".ugst" / "runs" / "2020-01-01T00-00-00-0000")
    project.run("cafe.goal.yaml::b")
    project.run("--ugst-resume")
    assert sorted(p.name for p in project.runs())[0] == first.name
    counts = {p.name: len((p / "episodes.jsonl").read_text().splitlines()) for p in project.runs()}
    assert counts.pop(first.name) == 1
    assert list(counts.values()) == [2]


@pytest.mark.parametrize("how", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_resuming_with_other_settings_is_refused(project: Project, how: tuple[str, ...]) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    project.run()
    run = project.launch if how else project.run
    result = run("--ugst-resume", "--ugst-steer=goal", "--ugst-seed=3", *how)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: the run * was played with other settings (steer was 'none' and is now 'goal', *"]
    )
    assert len(project.episodes()) == 1


def test_an_alias_that_now_means_another_model_is_refused(project: Project) -> None:
    def speak(body: Body, number: int) -> str:
        return "I'd like tea" if len(body["messages"]) < 4 else "TERMINATE"

    with ChatServer(speak, models=["m1", "m2"]) as server:
        project.goals("cafe.goal.yaml", goal("a"))

        def alias(model: str) -> None:
            table = f"[tool.ugst.models.mine]\nmodel = '{model}'\nbase_url = '{server.url}'\n"
            (project.path / "pyproject.toml").write_text(table)

        alias("m1")
        project.run("--ugst-sim=mine").assert_outcomes(passed=1)
        alias("m2")
        result = project.run("--ugst-sim=mine", "--ugst-resume")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: the run * was played with other settings (models was *"])
        alias("m1")
        project.run("--ugst-sim=mine", "--ugst-resume").assert_outcomes(passed=1)


def test_a_torn_line_is_left_out_and_played_again(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"))
    project.run()
    journal = project.runs()[0] / "episodes.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[1][:100])
    result = project.run("--ugst-resume")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["2 episodes *", "1 torn line of the journal left out"])
    whole = [json.loads(line)["id"] for line in journal.read_bytes().splitlines() if line.endswith(b"}")]
    assert sorted(whole) == ["a", "b"]


def test_what_broke_off_is_played_again(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"))
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport os\nold = echo\n"
            "def echo(messages):\n"
            "    if not os.path.exists('repaired') and '\"b\"' in os.environ['BROKEN']:\n"
            "        raise ValueError('no power')\n"
            "    return old(messages)\n"
        )
    os.environ["BROKEN"] = '"b"'
    try:
        project.run("-k", "b").assert_outcomes(failed=1, deselected=1)
        (project.path / "repaired").touch()
        project.run("--ugst-resume").assert_outcomes(passed=2)
        project.run("--ugst-resume").assert_outcomes(passed=2)
    finally:
        del os.environ["BROKEN"]
    assert [(e.id, str(e.conversation.stop)) for e in sorted(project.episodes(), key=lambda e: e.started)] in (
        [("b", "agent_error"), ("a", "user_ended"), ("b", "user_ended")],
        [("b", "agent_error"), ("b", "user_ended"), ("a", "user_ended")],
    )


def test_a_goal_that_was_edited_is_played_again(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"), goal("c"))
    project.run()
    project.goals("cafe.goal.yaml", goal("a"), goal("b", says="green tea"), goal("c", max_turns=1))
    project.run("--ugst-resume").assert_outcomes(passed=3)
    assert project.ids() == ["a", "b", "b", "c", "c"]


def test_what_an_override_played_is_found_again(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport pytest\n@pytest.fixture(scope='session')\ndef agent():\n    return lambda messages: 'yes'\n"
        )
    project.run().assert_outcomes(passed=1)
    project.run("--ugst-resume").assert_outcomes(passed=1)
    assert project.ids() == ["a+<lambda>"]
