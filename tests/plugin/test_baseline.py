"""``--ugst-baseline``: a run held against an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ugst.cli import main
from tests.plugin_project import Project, goal

CONFTEST = """
    def rude(messages, goal):
        return "coffee" if not messages else "TERMINATE"

    def half(messages, goal):
        return rude(messages, goal) if goal.id in ("g0", "g1") else words(messages, goal)

    registry.simulator("rude", lambda argument, context: as_simulator(rude, "rude"))
    registry.simulator("half", lambda argument, context: as_simulator(half, "half"))
    from pytest_ugst.judges.checks import ChecksJudge
    registry.judge("strict", lambda argument, context: ChecksJudge())
"""


@pytest.fixture
def played(project: Project) -> Project:
    """Twelve goals, all of them kept by the first run."""
    with (project.path / "conftest.py").open("a") as file:
        file.write(CONFTEST)
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n:x}", says="tea", wants="tea") for n in range(12)))
    assert project.run().ret == 0
    return project


def save(project: Project, name: str = "main.json") -> Path:
    path = project.path / name
    assert main(["baseline", "save", str(project.runs()[-1]), "--out", str(path)]) == 0
    return path


def test_a_run_that_got_worse_fails_and_says_why(played: Project) -> None:
    save(played)
    result = played.run("--ugst-sim=rude", "--ugst-baseline=main.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(xfailed=12)
    result.stdout.fnmatch_lines(
        [
            "against main.json: 12 goals",
            "Pol. *100.0 * 0.0 *-100.0 *regression",
            "FAILED --ugst-baseline: policy: from 100.0 to 0.0, a drop of 100.0 points (95% interval *); 10 *",
            "FAILED --ugst-baseline: avg: *",
        ]
    )
    found = played.results()["comparison"]
    assert [one["verdict"] for one in found["findings"]] == ["regression", "regression"]


def test_the_same_again_passes_unless_every_doubt_fails(played: Project) -> None:
    result = played.run("--ugst-baseline=latest")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "policy: about * goals would show a drop of 10 points (12 were compared)",
            "--ugst-baseline=latest: no regression (2 inconclusive)",
        ]
    )
    strict = played.run(f"--ugst-baseline={played.runs()[0].name}", "--ugst-strict-gate", "--ugst-max-drop=avg=5")
    assert strict.ret == pytest.ExitCode.TESTS_FAILED
    strict.stdout.fnmatch_lines(
        ["FAILED --ugst-baseline: avg: inconclusive, which --ugst-strict-gate does not let pass"]
    )
    loose = played.run(f"--ugst-baseline={played.runs()[0]}", "--ugst-strict-gate", "--ugst-max-drop=50")
    assert loose.ret == pytest.ExitCode.OK
    loose.stdout.fnmatch_lines(["*no regression (2 equivalent)"])


def test_two_of_twelve_are_too_few_to_tell(played: Project) -> None:
    result = played.run("--ugst-sim=half", "--ugst-baseline=latest")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=10, xfailed=2)
    result.stdout.fnmatch_lines(["policy, avg: about * goals would show a drop of 16.7 points (12 were compared)"])


def test_beside_fail_under(played: Project) -> None:
    result = played.run("--ugst-sim=half", "--ugst-baseline=latest", "--ugst-fail-under=90")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED --ugst-fail-under: avg: 83.3 *", "--ugst-baseline=latest: no regression *"])


@pytest.mark.parametrize(
    ("change", "told", "allow"),
    [
        (
            "fewer",
            "not the same goals: 1 of 12 goals not played now (gb), 1 played only now (gz)",
            "goals",
        ),
        (
            "reworded",
            "not the same goals: 1 with another text, other sub-components or checks now (g3)",
            "goals",
        ),
        ("longer", "turn limit 10 before, 20 now, in 12 goals (g0, g1, g2, ...)", "turns"),
        ("judge", "judge 'checks' before, 'strict' with checks beside now", "judge"),
    ],
)
def test_what_can_not_be_compared_is_refused_before_anything_is_played(
    played: Project, change: str, told: str, allow: str
) -> None:
    save(played)
    goals = [goal(f"g{n:x}", says="tea", wants="tea") for n in range(12)]
    options = ["--ugst-baseline=main.json"]
    if change == "fewer":
        played.goals("goals/cafe.goal.yaml", *goals[:-1], goal("gz"))
    elif change == "reworded":
        goals[3]["components"]["policy"][0]["check"] = {"once": {"user_says": "te"}}
        played.goals("goals/cafe.goal.yaml", *goals)
    else:
        options.append({"longer": "--ugst-max-turns=20", "judge": "--ugst-judge=strict"}[change])
    result = played.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    remedy = f"save a new baseline, or compare all the same with --ugst-baseline-allow={allow}"
    assert f"ERROR: --ugst-baseline=main.json: {told}; {remedy}" in result.errlines
    assert len(played.runs()) == 1
    allowed = played.run(*options, f"--ugst-baseline-allow={allow}")
    assert allowed.ret == pytest.ExitCode.OK
    assert told in allowed.outlines
    if allow == "goals":
        allowed.stdout.fnmatch_lines(["against main.json: 11 goals", "compared over the 11 goals that both hold, *"])


def test_nothing_shared_is_refused_whatever_is_allowed(played: Project) -> None:
    played.goals("goals/cafe.goal.yaml", goal("other"))
    result = played.run("--ugst-baseline=latest", "--ugst-baseline-allow=goals")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --ugst-baseline=latest: it shares no goal with what is played now (it holds 12 *"]
    )


def test_a_judge_of_the_tests_own_is_refused_once_it_is_known(played: Project) -> None:
    save(played)
    played.tests(
        "@pytest.fixture(scope='session')\ndef judge():\n"
        "    from pytest_ugst.core.verdict import Verdict\n"
        "    async def mine(components, conversation, turn):\n"
        "        return [Verdict(component=c.id, turn=turn, status='ALIGNED') for c in components]\n"
        "    return mine\n"
        "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    pass\n"
    )
    result = played.run("test_it.py", "--ugst-baseline=main.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(
        ["REFUSED --ugst-baseline=main.json: judge 'checks' before, 'mine' with checks beside now; *"]
    )
    assert len(played.results()["episodes"]) == 12
    assert "'mine'" in played.results()["comparison"]["refused"]


def test_what_can_not_be_played_any_more_counts_as_lost(played: Project) -> None:
    shut = (
        "\n    class Shut:\n        name = 'shut'\n        opened = 0\n        def open(self, goal, seed):\n"
        "            import os\n            Shut.opened += 1\n"
        "            if os.environ.get('SHUT') and Shut.opened > 6:\n                raise ValueError('shut')\n"
        "            from pytest_ugst.core.protocols import NoSession\n            return NoSession()\n"
        "    registry.domain('shut', Shut)\n"
    )
    with (played.path / "conftest.py").open("a") as file:
        file.write(shut)
    played.goals("goals/cafe.goal.yaml", *(goal(f"g{n:x}", domain="shut" if n < 6 else None) for n in range(12)))
    assert played.run().ret == 0
    save(played)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHUT", "1")
        result = played.run("--ugst-baseline=main.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "Pol. *100.0 * 50.0 *-50.0 *regression",
            "sub-components without a trustworthy verdict, so no successes: 0 before, 6 now",
        ]
    )


def test_resumed_against_a_file_and_never_against_itself(played: Project) -> None:
    save(played)
    result = played.run("--ugst-resume=latest", "--ugst-baseline=main.json")
    assert result.ret == pytest.ExitCode.OK
    assert len(played.runs()) == 1
    itself = played.run("--ugst-resume=latest", "--ugst-baseline=latest")
    assert itself.ret == pytest.ExitCode.USAGE_ERROR
    itself.stderr.fnmatch_lines(["ERROR: --ugst-baseline=latest: that is the run which is resumed; name another one"])


def test_decided_once_under_xdist(played: Project) -> None:
    result = played.launch("-n", "2", "--ugst-sim=rude", "--ugst-baseline=latest")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sum(line.startswith("against latest: 12 goals") for line in result.outlines) == 1
    assert result.parseoutcomes() == {"xfailed": 12}
    compared = played.results()["comparison"]
    assert [compared["base_run"], compared["run"]] == [run.name for run in played.runs()]


def test_refused_under_xdist(played: Project) -> None:
    result = played.launch("-n", "2", "-k", "g0 or g1", "--ugst-baseline=latest")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any("10 of 12 goals not played now (g2, g3, g4, ...)" in line for line in result.errlines + result.outlines)
    assert len(played.runs()) == 1


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--ugst-baseline=nowhere", "--ugst-baseline=nowhere: no such run; *"),
        ("--ugst-baseline=nowhere.json", "--ugst-baseline=nowhere.json: there is no such file; name a baseline that *"),
        (
            "--ugst-baseline=",
            "--ugst-baseline= is empty; give it a value, or leave it out (of the ini file: -o ugst_baseline=)",
        ),
        ("--ugst-fail-under=", "--ugst-fail-under= is empty; * -o ugst_fail_under=)"),
        ("--ugst-strict-gate", "--ugst-strict-gate says nothing without --ugst-baseline; name a baseline, or *"),
        ("--ugst-max-drop=5", "--ugst-max-drop says nothing without --ugst-baseline; *"),
        ("--ugst-baseline=goals/cafe.goal.yaml", "* is no JSON file, so no baseline; save one with *"),
        ("--ugst-baseline=latest --ugst-max-drop=plicy=5", "--ugst-max-drop=plicy=5: 'plicy' is no column; *"),
        (
            "--ugst-baseline=latest --ugst-max-drop=0.1",
            "--ugst-max-drop=0.1: 0.1 is less than one point; did you mean 10?",
        ),
        (
            "--ugst-baseline=latest --ugst-baseline-allow=agent",
            "--ugst-baseline-allow=agent: unknown difference 'agent'; *",
        ),
    ],
)
def test_bad_options_in_one_line(played: Project, option: str, told: str) -> None:
    result = played.run(*option.split())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {told}"])
    assert "Traceback" not in result.stderr.str()
    assert len(played.runs()) == 1


def test_an_option_of_the_ini_file_costs_an_unrelated_run_nothing(project: Project) -> None:
    with (project.path / "tox.ini").open("a") as file:
        file.write("ugst_baseline = main.json\nugst_max_drop = avg=3\n")
    (project.path / "main.json").write_text("{")
    project.tests("def test_it():\n    pass\n")
    assert project.run().ret == pytest.ExitCode.OK
    project.goals("cafe.goal.yaml", goal("g0"))
    assert project.run().ret == pytest.ExitCode.USAGE_ERROR
