"""The gate, ``results.json``, JUnit properties."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.plugin_project import INI, Project, goal, table

SUBTESTS = (
    "@pytest.mark.ugst(goals='goals')\n"
    "def test_it(episode, subtests):\n"
    "    for part in episode.final_state:\n"
    "        with subtests.test(part.category):\n"
    "            assert part.succeeded, part.explain()\n"
)


@pytest.fixture
def half(project: Project) -> Project:
    """Four goals; one of them is missed."""
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n}", wants="tea" if n else "coffee") for n in range(4)))
    return project


@pytest.mark.parametrize("gate", ["75", "avg=75", "avg=60,policy=75", "pol=10"])
def test_reached_single_failures_do_not_fail_the_run(half: Project, gate: str) -> None:
    result = half.run(f"--ugst-fail-under={gate}")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=3, xfailed=1)
    result.stdout.fnmatch_lines([f"--ugst-fail-under={gate}: reached"])


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("80", "avg: 75.0 is below 80, by 5"),
        ("avg=70,policy=75.1", "policy: 75.0 is below 75.1, by 0.1"),
        ("preference=1", "preference: no sub-component to measure, and at least 1 was asked for"),
    ],
)
def test_missed_the_run_fails_and_says_why(half: Project, gate: str, told: str) -> None:
    result = half.run(f"--ugst-fail-under={gate}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=3, xfailed=1)
    result.stdout.fnmatch_lines([f"FAILED --ugst-fail-under: {told}"])
    assert half.results()["missed"] == [told]


SKIPPED = (
    "import pytest\n@pytest.mark.skip(reason='not today')\n@pytest.mark.ugst(goals='goals')\n"
    "def test_it(episode):\n    pass\n"
)
NOTHING = "FAILED --ugst-fail-under: nothing was played, so nothing was measured"


@pytest.mark.parametrize("test", [SKIPPED, "def test_it():\n    pass\n"])
def test_a_gate_that_saw_nothing_is_not_passed(half: Project, test: str) -> None:
    half.tests(test)
    result = half.run("test_it.py", "--ugst-fail-under=avg=10")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert NOTHING in result.outlines
    looked = half.run("test_it.py", "--ugst-fail-under=avg=10", "--collect-only")
    assert looked.ret == pytest.ExitCode.OK


SKIPPED_LATE = (
    "import pytest\n@pytest.fixture\ndef agent():\n    pytest.skip('no agent today')\n"
    "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    pass\n"
)


UNRELATED = "def test_it():\n    pass\n"


@pytest.mark.parametrize(
    ("test", "how"),
    [(SKIPPED_LATE, ()), (UNRELATED, ()), pytest.param(UNRELATED, ("-n", "2"), marks=pytest.mark.slow)],
)
def test_what_an_earlier_session_played_reaches_no_gate(half: Project, test: str, how: tuple[str, ...]) -> None:
    half.run("goals")
    before = half.results()
    half.tests(test)
    options = ("test_it.py", "--ugst-resume", "--ugst-fail-under=10")
    result = half.launch(*options, *how) if how else half.run(*options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert NOTHING in result.outlines
    assert "user goal alignment" not in result.stdout.str()
    assert half.results() == before


def test_a_gate_of_the_ini_file_concerns_runs_that_ask_for_episodes(half: Project) -> None:
    half.pytester.makeini(INI + "ugst_fail_under = 10\n")
    half.tests("def test_it():\n    pass\n", "test_other.py")
    half.tests(SKIPPED)
    assert half.run("test_other.py").ret == pytest.ExitCode.OK
    for result in (half.run("test_it.py"), half.launch("test_it.py", "-n", "2")):
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert NOTHING in result.outlines


def test_options_that_always_stand_there_are_not_meant_for_every_run(half: Project) -> None:
    half.pytester.makeini(INI + "addopts = --ugst-fail-under=10 --ugst-max-drop=5\n")
    half.tests("def test_it():\n    pass\n")
    assert half.run("test_it.py").ret == pytest.ExitCode.OK
    assert half.run("goals").ret == pytest.ExitCode.OK


def test_subtests_do_not_fail_the_run_either(half: Project) -> None:
    half.tests(SUBTESTS)
    assert half.run("test_it.py").ret == pytest.ExitCode.TESTS_FAILED
    assert half.run("test_it.py", "--ugst-fail-under=70").ret == pytest.ExitCode.OK


def test_what_is_no_misalignment_still_fails(half: Project) -> None:
    half.tests(
        "@pytest.mark.ugst(goals='goals')\ndef test_typo(episode):\n    episode.succeded\n"
        "def test_other():\n    assert False\n"
    )
    result = half.run("test_it.py", "--ugst-fail-under=10")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=5)


@pytest.mark.parametrize("lost", ["agent", "episode"])
def test_what_could_not_be_played_misses_the_gate(half: Project, lost: str) -> None:
    """Errors count as no success, and what can't be measured can't pass."""
    with (half.path / "conftest.py").open("a") as file:
        if lost == "agent":
            file.write("\ndef echo(messages):\n    raise ValueError('no power')\n")
        else:
            file.write(
                "\n    class Shut:\n        name = 'shut'\n        calls = 0\n        def open(self, goal, seed):\n"
                "            Shut.calls += 1\n"
                "            if Shut.calls > 4:\n                raise ValueError('shut')\n"
                "            from pytest_ugst.core.protocols import NoSession\n            return NoSession()\n"
                "    registry.domain('shut', Shut)\n"
            )
    if lost == "episode":
        half.goals("goals/cafe.goal.yaml", *(goal(f"g{n}", domain="shut") for n in range(4)))
    result = half.run("--ugst-fail-under=50")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED --ugst-fail-under: *"])
    if lost == "episode":
        assert half.results()["episodes"][0]["error"] == "ValueError: shut"
        result.stdout.fnmatch_lines(["could not be played: g0: ValueError: shut"])


def test_results_for_machines(half: Project) -> None:
    result = half.run("--ugst-fail-under=policy=50", "--ugst-seed=5")
    results = half.results()
    assert results["schema_version"] == 1
    assert results["run"] == half.runs()[0].name
    assert results["settings"]["simulator"] == "words"
    assert results["settings"]["seed"] == 5
    assert results["gate"] == {"policy": 50.0}
    assert results["missed"] == []
    assert [e["id"] for e in results["episodes"]] == ["g0", "g1", "g2", "g3"]
    first = results["episodes"][0]
    assert (first["succeeded"], first["stop"], first["turns"]) == (False, "user_ended", 2)
    assert first["statuses"] == {"policy-1": "MISALIGNED"}
    (row,) = results["rows"]
    assert row["label"] == "words"
    assert row["rates"]["columns"]["policy"]["value"] == 75.0
    assert set(results["versions"]) >= {"python", "pytest", "pytest-ugst"}
    assert table(result.outlines)[-2].split()[:3] == ["words", "–", "75.0"]
    result.stdout.fnmatch_lines(["4 episodes (4 user ended), 2.0 turns on average", f"run: {half.runs()[0]} *"])


def test_junit_says_what_came_of_an_episode(half: Project) -> None:
    half.run("--junitxml=junit.xml")
    cases = ElementTree.parse(half.path / "junit.xml").getroot().iter("testcase")
    told = {c.get("name"): {p.get("name"): p.get("value") for p in c.iter("property")} for c in cases}
    assert told["g0"] == {"ugst_episode": "g0", "ugst_stop": "user_ended", "ugst_statuses": "policy-1=MISALIGNED"}
    assert len(told) == 4


def test_one_row_by_setting(half: Project) -> None:
    half.tests(
        "@pytest.fixture(params=[1, 2])\ndef simulator(request):\n"
        "    def other(messages, goal):\n        return 'tea' if not messages else 'TERMINATE'\n    return other\n"
        "@pytest.mark.ugst(goals='goals')\ndef test_it(episode):\n    pass\n"
    )
    result = half.run()
    assert [line.split()[0] for line in table(result.outlines) if line[:1].isalpha()] == [
        "simulator",
        "words",
        "other",
        "all",
    ]
