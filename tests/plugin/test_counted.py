"""What counts for a gate and in the results: what this session's tests stand for, no more and no less."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_ugst.analysis.success.leaderboard import missing_data
from pytest_ugst.runs.reader import open_run
from pytest_ugst.runs.run import find_run
from tests.plugin_project import Project, goal

SHY = """
    import os

    class Shy:
        name = 'shy'

        def start(self, goal, seed, max_turns):
            if goal.id in os.environ.get('SHY', '').split(','):
                raise ValueError('no voice')
            return as_simulator(words, 'words').start(goal, seed, max_turns)

    registry.simulator('shy', lambda argument, context: Shy())
"""
TEST = "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    assert episode.succeeded, episode.explain()\n"
HOW = [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)]
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def shy(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Four goals; whom the variable SHY names can't be played."""
    with (project.path / "conftest.py").open("a") as file:
        file.write(SHY)
    ini = project.path / "tox.ini"
    ini.write_text(ini.read_text().replace("ugst_sim = words", "ugst_sim = shy"))
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n}") for n in range(4)))
    monkeypatch.delenv("SHY", raising=False)
    return project


def notes(project: Project) -> list[str]:
    return missing_data({"it": open_run(project.path / ".ugst", str(project.runs()[-1]))})


def test_a_simulator_that_can_not_begin_is_an_error_of_its_episode(
    shy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHY", "g1")
    result = shy.run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["could not be played: g1: ValueError: no voice"])


def test_a_run_in_which_nothing_could_be_played_is_the_latest(shy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shy.run().ret == pytest.ExitCode.OK
    monkeypatch.setenv("SHY", "g0,g1,g2,g3")
    shy.run()
    result = shy.run("--ugst-resume", "--ugst-fail-under=10")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert find_run(shy.path / ".ugst", "latest").folder == shy.runs()[-1]
    assert len(shy.results()["episodes"]) == 4


def test_only_a_simulator_that_strayed_is_left_to_the_gate(shy: Project) -> None:
    shy.goals("goals/cafe.goal.yaml", goal("kept"), goal("strayed", wants="coffee"))
    shy.tests(TEST.replace("episode.succeeded", "len(episode.conversation.turns) > 5"))
    result = shy.run("test_it.py", "--ugst-fail-under=10")
    result.assert_outcomes(failed=1, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


SKIPPING = (
    "import pytest\n@pytest.fixture(autouse=True)\ndef lazy(request):\n"
    "    if any(name in request.node.name for name in ('g0', 'g1')):\n        pytest.skip('not today')\n"
)


@pytest.mark.parametrize("how", HOW)
def test_what_skips_itself_is_not_counted(shy: Project, how: tuple[str, ...]) -> None:
    shy.tests(SKIPPING + TEST)
    run: Run = shy.launch if how else shy.run
    result = run("test_it.py", "--ugst-fail-under=10", *how)
    result.assert_outcomes(passed=2, skipped=2)
    assert [one["id"] for one in shy.results()["episodes"]] == ["g2", "g3"]
    # Another test of the same episode stands for it all the same.
    shy.tests(SKIPPING + TEST + TEST.replace("test_it", "test_again").replace("(episode)", "(episode, monkeypatch)"))
    (shy.path / "test_it.py").write_text((shy.path / "test_it.py").read_text().replace("'g0'", "'test_it[g0'"))
    run("test_it.py", *how).assert_outcomes(passed=5, skipped=3)
    assert [one["id"] for one in shy.results()["episodes"]] == ["g0", "g2", "g3"]


def test_what_skips_itself_is_not_counted_as_lost_either(shy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHY", "g0")
    shy.tests(SKIPPING + TEST)
    result = shy.run("test_it.py", "--ugst-fail-under=10")
    assert result.ret == pytest.ExitCode.OK
    assert [one["id"] for one in shy.results()["episodes"]] == ["g2", "g3"]
    assert "could not be played" not in str(result.stdout)


def test_what_is_skipped_for_certain_is_not_played(shy: Project) -> None:
    shy.tests(f"import pytest\n@pytest.mark.skipif(True, reason='never')\n{TEST}")
    shy.run("test_it.py").assert_outcomes(skipped=4)
    assert shy.runs() == []


@pytest.mark.parametrize("how", HOW)
def test_a_goal_that_was_edited_and_can_not_be_played_is_no_old_success(
    shy: Project, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    shy.run("goals")
    shy.goals("goals/cafe.goal.yaml", *(goal(f"g{n}", says="tea, please" if n == 1 else "tea") for n in range(4)))
    monkeypatch.setenv("SHY", "g1")
    run: Run = shy.launch if how else shy.run
    result = run("goals", "--ugst-resume", "--ugst-fail-under=10", *how)
    result.stdout.fnmatch_lines(["FAILED --ugst-fail-under: *1 of 4 episodes*"])
    assert notes(shy) == ["it: 1 episode could not be played: in no rate"]
    monkeypatch.delenv("SHY")
    assert run("goals", "--ugst-resume", "--ugst-fail-under=10", *how).ret == pytest.ExitCode.OK
    assert notes(shy) == []


def test_what_was_lost_is_not_forgotten_by_a_session_that_asks_for_less(
    shy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHY", "g1,g2")
    shy.run("goals")
    shy.run("goals/cafe.goal.yaml::g3", "--ugst-resume")
    assert notes(shy) == ["it: 2 episodes could not be played: in no rate"]
    monkeypatch.delenv("SHY")
    shy.run("goals", "--ugst-resume").assert_outcomes(passed=4)
    assert notes(shy) == []


def test_a_hook_that_fails_takes_no_table_along(shy: Project) -> None:
    with (shy.path / "conftest.py").open("a") as file:
        file.write("\ndef pytest_ugst_report(run):\n    raise ValueError('no dashboard')\n")
    result = shy.run("--ugst-fail-under=10")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["shy *100.0*", "FAILED pytest_ugst_report: ValueError: no dashboard", "*: reached"])
    assert len(shy.results()["episodes"]) == 4
    assert "Traceback" not in str(result.stdout) + str(result.stderr)


def test_a_comparison_that_was_cut_off_says_so(shy: Project) -> None:
    shy.run("goals")
    with (shy.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport threading\nheard = []\ndef echo(messages):\n    heard.append(1)\n"
            "    return 'yes' if len(heard) < 3 else threading.Event().wait()\n"
        )
    shy.tests("@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    raise ValueError(episode)\n")
    result = shy.launch("test_it.py", "-x", "--ugst-baseline=latest", "--ugst-concurrency=1")
    result.stdout.fnmatch_lines(
        ["REFUSED --ugst-baseline=latest: 3 selected episodes were not played, so there is less to compare than *"]
    )
