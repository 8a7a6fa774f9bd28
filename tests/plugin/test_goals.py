"""Goal files as tests, and the marker."""

from __future__ import annotations

import json

import pytest

from tests.plugin_project import Project, goal

TEST = "def test_it(episode):\n    assert episode.succeeded\n"


def test_a_goal_file_is_a_test_file(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("tea"), goal("coffee", wants="coffee"))
    (project.path / "more.goal.jsonl").write_text(json.dumps(goal("line")) + "\n")
    result = project.run("-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines_random(
        ["cafe.goal.yaml::tea PASSED*", "cafe.goal.yaml::coffee FAILED*", "more.goal.jsonl::line PASSED*"]
    )
    assert project.ids() == ["coffee", "line", "tea"]


def test_the_header_says_what_is_tested_against_what(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("tea"))
    result = project.run("--ugst-steer=goal", "--ugst-seed=7", "--ugst-trials=2")
    result.stdout.fnmatch_lines(
        [
            "ugst: simulator words (steered by goal), agent echo, judge checks",
            "ugst: 2 episodes (2 trials), seed 7, cache on",
        ]
    )


def test_a_failure_shows_the_turn_and_the_words_and_no_code_of_ours(project: Project) -> None:
    one = goal("tea")
    one["components"] = {"policy": [{"text": "You never shout", "check": {"never": {"user_says": "more"}}}]}
    project.goals("cafe.goal.yaml", one)
    result = project.run()
    result.stdout.fnmatch_lines(
        [
            "*_ tea _*",
            "MISALIGNED policy: You never shout",
            "*turn 2: this must never happen",
            "*turn 2, user: *more*",
        ]
    )
    result.stdout.no_fnmatch_line("*collection.py*")
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("goals", "ids"),
    [
        ("'cafe.goal.yaml'", ["a", "b"]),
        ("'goals'", ["c", "d", "e"]),
        ("['cafe.goal.yaml', 'goals/three.goal.yaml']", ["a", "b", "e"]),
        ("Path(__file__).parent / 'cafe.goal.yaml'", ["a", "b"]),
        ("[Goal(id='own', text='You say tea.', components=PARTS)]", ["own"]),
        ("Goal(id='own', text='You say tea.', components=PARTS)", ["own"]),
        ("'cafe.goal.yaml', tags='hot'", ["b"]),
        ("'cafe.goal.yaml', tags=['hot', 'sweet']", ["b"]),
        ("'goals', split='test'", ["d"]),
        ("'drinks'", ["x-all"]),
        ("'drinks:train'", ["x-train"]),
        ("'drinks', split='test'", ["x-test"]),
    ],
)
def test_where_goals_come_from(project: Project, goals: str, ids: list[str]) -> None:
    project.goals("suite/cafe.goal.yaml", goal("a"), goal("b", tags=["hot", "sweet"]))
    project.goals("suite/goals/two.goal.yaml", goal("c"), goal("d", tags=["test"]))
    project.goals("suite/goals/three.goal.yaml", goal("e"))
    (project.path / "suite" / "goals" / "notes.txt").write_text("no goals here")
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\n    from pytest_ugst.core.goal import Component, Goal\n"
            "    tea = Component(id='p', category='policy', text='Tea.', check={'once': {'user_says': 'tea'}})\n"
            "    def drinks(split):\n"
            "        yield Goal(id=f'x-{split or \"all\"}', text='You say tea.', components=[tea])\n"
            "    registry.goal_source('drinks', drinks)\n"
        )
    project.tests(
        "from pathlib import Path\n"
        "from pytest_ugst.core.goal import Goal, Component\n"
        "PARTS = [Component(id='p', category='policy', text='x', check={'never': {'user_says': 'coffee'}})]\n"
        f"@pytest.mark.ugst(goals={goals})\n{TEST}",
        "suite/test_it.py",
    )
    result = project.run("-v", "suite/test_it.py")
    result.assert_outcomes(passed=len(ids))
    result.stdout.fnmatch_lines_random([f"*::test_it[[]{name}[]] PASSED*" for name in ids])
    assert project.ids() == ids


def test_goals_are_found_from_the_root_as_well(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", goal("a"))
    project.tests(f"@pytest.mark.ugst(goals='goals/cafe.goal.yaml')\n{TEST}", "deep/down/test_it.py")
    project.run("deep").assert_outcomes(passed=1)


def test_the_closest_marker_wins_field_by_field(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b", tags=["hot"], max_turns=9))
    project.tests(
        "pytestmark = pytest.mark.ugst(goals='cafe.goal.yaml', trials=2, max_turns=1)\n"
        "@pytest.mark.ugst(tags='hot')\n"
        "class TestIt:\n"
        "    @pytest.mark.ugst(trials=3)\n"
        "    def test_it(self, episode):\n"
        "        assert episode.max_turns == 9\n"
        "def test_all(episode):\n"
        "    assert episode.max_turns == (9 if episode.goal.id == 'b' else 1)\n"
        "def test_goal_alone(goal):\n"
        "    assert goal.id in 'ab'\n"
    )
    result = project.run("-v", "test_it.py")
    result.assert_outcomes(passed=3 + 4 + 2)
    result.stdout.fnmatch_lines_random(["*TestIt::test_it[[]b@3[]] PASSED*", "*::test_all[[]a@2[]] PASSED*"])
    assert project.ids() == ["a", "a@2", "b", "b@2", "b@3"]


def test_trials_by_option(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    result = project.run("-v", "--ugst-trials=3")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*::a PASSED*", "*::a@2 PASSED*", "*::a@3 PASSED*"])
    assert [e.trial for e in sorted(project.episodes(), key=lambda e: e.id)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'cafe.goal.yaml'", "the ugst marker takes keywords only"),
        ("goal='cafe.goal.yaml'", "unknown argument 'goal'; did you mean 'goals'?"),
        ("goals='cafe.goal.yaml', trials=0", "trials=0; write a whole number from 1"),
        ("goals='cafe.goal.yaml', max_turns=True", "max_turns=True; write a whole number from 1"),
        ("goals='cafe.goal.yaml', tags=5", "tags=5; give a tag or a list of tags"),
        ("goals='cafe.goal.yaml', split=5", "split=5; give the name of a part"),
        ("goals='concierg'", "unknown goal source 'concierg'; did you mean 'concierge'?"),
        ("goals='nowhere/x.goal.yaml'", "nor is there such a file or folder"),
        ("goals=[]", "no goal of [[][]] is left"),
        ("goals=3", "goals=3; give a goal source's name, a path, a Goal, or a list of them"),
        ("goals='cafe.goal.yaml', tags='cold'", "no goal of 'cafe.goal.yaml' is left after 'cold'"),
        ("goals='cafe.goal.yaml', split='dev'", "no goal of 'cafe.goal.yaml' is left after split 'dev'"),
        ("goals=['cafe.goal.yaml', 'twin.goal.yaml']", "*'a' is also the id of *give each goal its own"),
        ("goals='cafe.txt'", "cafe.txt: not a goal file; its name has to end with .goal.yaml"),
    ],
)
def test_what_the_marker_does_not_take(project: Project, arguments: str, told: str) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    project.goals("twin.goal.yaml", goal("a", says="other"))
    project.goals("cafe.txt", goal("z"))
    project.tests(f"@pytest.mark.ugst({arguments})\n{TEST}")
    result = project.run("test_it.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    # Said on stderr, where a usage error belongs; for what is wrong with a file, pytest's report says it as well.
    result.stderr.fnmatch_lines([f"*{told}*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert project.runs() == []


def test_without_a_marker_the_goal_fixture_has_to_be_overridden(project: Project) -> None:
    project.tests(TEST)
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: test_it.py::test_it[[]own[]]: no goal to play; mark the test with @pytest.mark.ugst(goals=...), or *"]
    )
    project.tests("def test_it(goal):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no goal here: mark the test*"])


def test_one_goal_in_a_file_and_in_a_marker_is_one_episode(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"))
    project.tests(f"@pytest.mark.ugst(goals='cafe.goal.yaml')\n{TEST}")
    project.run().assert_outcomes(passed=4)
    assert project.ids() == ["a", "b"]


def test_two_goals_of_one_id_are_refused(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    project.goals("bar.goal.yaml", goal("a", says="something else"))
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *cafe.goal.yaml:1: id: 'a' is also the id of another goal (*bar.goal.yaml:1)*"]
    )
    assert project.runs() == []


def test_hostile_words_never_reach_the_terminal_raw(project: Project) -> None:
    nasty = "tea \x1b[31mred\x1b[0m \u202egnorw\u202c \x1b]0;title\x07 \x9b2J \x00end"
    one = goal("a", says=nasty, wants="coffee")
    one["components"]["policy"][0]["text"] = f"You say {nasty}"
    one["components"]["policy"].append({"text": "quote", "check": {"never": {"user_says": "tea"}}})
    project.goals("cafe.goal.yaml", one)
    project.tests(
        "@pytest.mark.ugst(goals='cafe.goal.yaml')\n"
        "def test_it(episode, subtests):\n"
        "    for c in episode.final_state:\n"
        "        with subtests.test(c.category, text=c.text):\n"
        "            assert c.succeeded, c.explain()\n"
    )
    result = project.run("-v", "-rA", "--color=no")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    out = str(result.stdout) + str(result.stderr)
    for raw in ("\x1b", "\u202e", "\x9b", "\x07", "\x00"):
        assert raw not in out, repr(raw)
