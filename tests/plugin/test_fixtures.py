"""The fixtures, and overriding each of them."""

from __future__ import annotations

import pytest

from tests.plugin_project import Project, goal

TEST = "def test_it(episode):\n    assert episode.succeeded\n"


def test_fixtures_give_what_the_options_name(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    project.tests(
        "pytestmark = pytest.mark.ugst(goals='cafe.goal.yaml')\n"
        "def test_it(goal, episode, simulator, agent, judge):\n"
        "    assert episode.goal == goal and goal.id == 'a'\n"
        "    assert (simulator.name, agent.name, judge.name) == ('words', 'echo', 'checks')\n"
        "    assert episode.conversation.turns[1].agent == 'You said Once more: 1'\n"
        "    assert episode.final_state['policy-1'].succeeded\n"
    )
    project.run("test_it.py").assert_outcomes(passed=1)


BARRIER = """
import threading
together = threading.Barrier(7)

@pytest.fixture(scope="session")
def agent():
    def waits(messages):
        together.wait(20)
        return "Here we all are."
    return waits
"""


def test_a_session_wide_override_plays_all_side_by_side(project: Project) -> None:
    """Seven agents each answer only once all seven were asked."""
    project.goals("cafe.goal.yaml", *(goal(f"g{n}", data={"turns": 1}) for n in range(7)))
    with (project.path / "conftest.py").open("a") as file:
        file.write("\nimport pytest\n" + BARRIER)
    result = project.run()
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["ugst: simulator words, agent by your fixture, judge checks", "ugst: 7 episodes, *"])
    assert project.ids() == [f"g{n}+waits" for n in range(7)]
    assert {e.setting.agent for e in project.episodes()} == {"waits"}


def test_module_and_class_wide_overrides_play_their_own_tests_side_by_side(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", *(goal(f"g{n}", data={"turns": 1}) for n in range(7)))
    marked = f"@pytest.mark.ugst(goals='goals')\n{TEST}"
    project.tests(BARRIER.replace('"session"', '"module"') + marked, "test_a.py")
    inside = (BARRIER.partition("@")[0] + "class TestIt:\n") + "".join(
        f"    {line}\n"
        for line in ("@" + BARRIER.partition("@")[2] + marked.replace("(episode", "(self, episode")).splitlines()
    )
    project.tests(inside.replace('"session"', '"class"').replace("def agent()", "def agent(self)"), "test_b.py")
    project.run("test_a.py", "test_b.py").assert_outcomes(passed=14)
    ids = project.ids()
    assert len(ids) == len(set(ids)) == 14
    assert "g0+waits(test_a.py)" in ids


def test_a_function_wide_override(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", goal("a"), goal("b", says="coffee"))
    project.tests(
        "@pytest.fixture\n"
        "def simulator(goal):\n"
        "    def stubborn(messages, goal):\n"
        "        return 'tea, always' if len(messages) < 2 else 'TERMINATE'\n"
        "    return stubborn\n"
        f"@pytest.mark.ugst(goals='goals')\n{TEST}"
    )
    project.run("test_it.py").assert_outcomes(passed=2)
    assert {e.setting.simulator for e in project.episodes()} == {"stubborn"}


def test_a_judge_of_ones_own(project: Project) -> None:
    bare = {"id": "a", "goal": "You say tea.", "components": {"task": ["Say tea"]}}
    project.goals("goals/cafe.goal.yaml", bare)
    project.tests(
        "@pytest.fixture(scope='module')\n"
        "def judge():\n"
        "    async def lenient(component, conversation, turn):\n"
        "        return 'ATTEMPTED'\n"
        "    return lenient\n"
        f"@pytest.mark.ugst(goals='goals')\n{TEST}"
    )
    project.run("test_it.py").assert_outcomes(passed=1)
    (episode,) = project.episodes()
    assert {v.by for v in episode.verdicts} == {"lenient"}


def test_a_goal_of_ones_own(project: Project) -> None:
    project.tests(
        "from pytest_ugst.core.goal import Goal, Component\n"
        "@pytest.fixture(params=['tea', 'milk'])\n"
        "def goal(request):\n"
        "    said = Component(id='c', category='policy', text='x', check={'once': {'user_says': request.param}})\n"
        "    return Goal(id=request.param, text=f'You say {request.param}.', components=[said], max_turns=1)\n"
        f"{TEST}"
    )
    result = project.run("--ugst-trials=2")
    result.assert_outcomes(passed=4)
    assert project.ids() == ["milk", "milk@2", "tea", "tea@2"]
    assert {e.max_turns for e in project.episodes()} == {1}


def test_names_stand_for_what_the_command_line_would_make_of_them(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", goal("a"))
    project.tests(
        "@pytest.fixture\ndef agent():\n    return 'echo'\n@pytest.fixture\ndef simulator():\n    return 'words'\n"
        f"@pytest.mark.ugst(goals='goals')\n{TEST}"
    )
    project.run("test_it.py", "--ugst-sim=agenda", "--ugst-agent=rules").assert_outcomes(passed=1)
    (episode,) = project.episodes()
    assert (episode.setting.simulator, episode.setting.agent) == ("words", "echo")


PARAMETRIZED = {
    "params": "@pytest.fixture(params=['tea', 'milk'])\ndef simulator(request):\n    return make(request.param)\n",
    "session params": "@pytest.fixture(params=['tea', 'milk'], scope='session')\n"
    "def simulator(request):\n    return make(request.param)\n",
    "through another": "@pytest.fixture(params=['tea', 'milk'], scope='session')\ndef word(request):\n"
    "    return request.param\n@pytest.fixture(scope='session')\ndef simulator(word):\n    return make(word)\n",
    "directly": "@pytest.mark.parametrize('simulator', [make('tea'), make('milk')])\n",
}


@pytest.mark.parametrize("how", PARAMETRIZED)
def test_parametrized_overrides_play_an_episode_each(project: Project, how: str) -> None:
    """Although what they return has one name."""
    project.goals("goals/cafe.goal.yaml", goal("a"), goal("b"))
    project.tests(
        "def make(word):\n"
        "    def says(messages, goal):\n"
        "        return word if not messages else 'TERMINATE'\n"
        "    return says\n"
        f"{PARAMETRIZED[how]}\n@pytest.mark.ugst(goals='goals')\n{TEST}"
    )
    project.run("test_it.py").assert_outcomes(passed=2, failed=2)
    said = sorted((e.goal.id, e.conversation.turns[0].user) for e in project.episodes())
    assert said == [("a", "milk"), ("a", "tea"), ("b", "milk"), ("b", "tea")]


def test_fixtures_of_one_name_in_two_modules_are_two(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", goal("a"))
    for name, word in (("test_a.py", "tea"), ("test_b.py", "milk")):
        project.tests(
            f"@pytest.fixture(scope='session')\ndef simulator():\n    return lambda messages, goal: {word!r}\n"
            f"@pytest.mark.ugst(goals='goals', max_turns=1)\n{TEST}",
            name,
        )
    project.run("test_a.py", "test_b.py").assert_outcomes(passed=1, failed=1)
    assert project.ids() == ["a+<lambda>(test_a.py)", "a+<lambda>(test_b.py)"]


@pytest.mark.parametrize(
    ("role", "value", "told"),
    [
        ("agent", "5", "5 is no agent: give an object with a name and respond"),
        ("simulator", "lambda: 1", "is no simulator: give an object with a name and start"),
        ("judge", "None", "None is no judge: give an object with a name and judge"),
        ("agent", "'nobody'", "unknown model 'nobody'"),
    ],
)
def test_an_override_that_can_t_play_is_said_in_a_line(project: Project, role: str, value: str, told: str) -> None:
    project.goals("goals/cafe.goal.yaml", goal("a"))
    project.tests(f"@pytest.fixture\ndef {role}():\n    return {value}\n@pytest.mark.ugst(goals='goals')\n{TEST}")
    result = project.run("test_it.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{told}*"])
    result.stdout.no_fnmatch_line("*resolver.py*")
    assert project.episodes() == [] if (project.runs()[-1] / "episodes.jsonl").exists() else True


def test_an_agent_that_fails_is_an_error_and_no_misalignment(project: Project) -> None:
    project.goals("goals/cafe.goal.yaml", goal("a", wants="coffee"))
    project.tests(
        "@pytest.fixture\ndef agent():\n    def broken(m):\n        raise ValueError('no power')\n    return broken\n"
        "@pytest.mark.ugst(goals='goals')\n"
        "def test_it(episode):\n    assert episode.succeeded, episode.explain()\n"
    )
    result = project.run("test_it.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*conversation broke off (agent_error): the agent 'broken' failed: ValueError: no power*"]
    )
    assert project.results()["episodes"][0]["statuses"] == {"policy-1": "ERROR"}


def test_episodes_are_for_those_who_ask_beforehand(project: Project) -> None:
    project.tests("def test_it(request):\n    request.getfixturevalue('episode')\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    assert project.runs() == []
