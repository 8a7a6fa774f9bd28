"""Fixtures of the user's own: which roles a test brings, what they are called, and who shares their values."""

from __future__ import annotations

import pytest

from pytest_ugst.plugin.overrides import FixtureOverrides, overridden
from tests.plugin_project import Project


def agent(scope: str) -> str:
    return f"@pytest.fixture(scope='{scope}')\ndef agent():\n    return 'echo'\n"


def items(project: Project, **files: str) -> dict[str, pytest.Function]:
    """Collect tests, by ``file::name``; ``test_a="..."`` is the content of ``test_a.py``."""
    paths = [project.path / f"{name}.py" for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_text(f"import pytest\n{content}")
    found, _ = project.pytester.inline_genitems("-p", "no:cacheprovider", *paths)
    assert all(isinstance(item, pytest.Function) for item in found)
    return {item.nodeid.removeprefix(f"{project.path.name}/"): item for item in found}  # type: ignore[misc]


def test_our_own_fixtures_override_nothing(project: Project) -> None:
    made = items(project, test_a="def test_it(simulator, agent, judge):\n    pass\ndef test_other():\n    pass\n")
    assert [overridden(item) for item in made.values()] == [set(), set()]


def test_a_fixture_is_overridden_where_it_is_seen(project: Project) -> None:
    with (project.path / "conftest.py").open("a") as file:
        file.write("\nimport pytest\n@pytest.fixture\ndef goal():\n    return None\n")
    inside = "class TestIt:\n    @pytest.fixture\n    def judge(self):\n        return 'checks'\n"
    made = items(
        project,
        test_a=f"{agent('module')}def test_it(agent, judge, goal):\n    pass\n"
        f"{inside}    def test_in(self, agent, judge):\n        pass\n"
        "@pytest.mark.parametrize('simulator', ['words'])\ndef test_each(simulator):\n    pass\n",
        test_b="def test_it(agent, judge):\n    pass\n",
    )
    assert {name: overridden(item) for name, item in made.items()} == {
        "test_a.py::test_it": {"agent", "goal"},
        "test_a.py::TestIt::test_in": {"agent", "judge"},
        "test_a.py::test_each[words]": {"simulator"},
        "test_b.py::test_it": set(),
    }


def test_the_name_of_roles_says_where_they_stand_and_for_which_parameters(project: Project) -> None:
    with (project.path / "conftest.py").open("a") as file:
        file.write("\nimport pytest\n@pytest.fixture(scope='session')\ndef simulator():\n    return 'words'\n")
    through = (
        "@pytest.fixture(params=['tea', 'milk'])\ndef word(request):\n    return request.param\n"
        "@pytest.fixture\ndef judge(word):\n    return word\n"
    )
    made = items(
        project,
        test_a=f"{agent('module')}{through}def test_it(simulator, agent, judge):\n    pass\n"
        "@pytest.mark.parametrize('colour', ['red', 'blue'])\ndef test_else(colour, agent):\n    pass\n",
    )
    overrides = {name: FixtureOverrides(item) for name, item in made.items()}
    tea, milk = overrides["test_a.py::test_it[tea]"], overrides["test_a.py::test_it[milk]"]
    assert tea.roles == milk.roles == {"simulator", "agent", "judge"}
    assert tea.roles_name({"simulator": "words"}) == "words"  # the root's conftest.py goes without saying
    assert tea.roles_name({"agent": "echo"}) == "echo(test_a.py)"
    assert tea.roles_name({"agent": "echo", "judge": "echo"}) == "echo(test_a.py word[0])"
    assert milk.roles_name({"agent": "echo", "judge": "strict"}) == "echo+strict(test_a.py word[1])"
    blue = overrides["test_a.py::test_else[blue]"]
    assert blue.roles_name({"agent": "echo"}) == "echo(test_a.py)"  # the colour is no matter of the agent


TWO = "def test_one(agent):\n    pass\ndef test_two(agent):\n    pass\n"


@pytest.mark.parametrize(
    ("scope", "same_file", "other_file"),
    [("function", False, False), ("module", True, False), ("session", True, False)],
)
def test_values_are_shared_as_far_as_the_scope_of_a_files_fixture(
    project: Project, scope: str, same_file: bool, other_file: bool
) -> None:
    made = items(project, test_a=agent(scope) + TWO, test_b=agent(scope) + TWO)
    one, two, other = (
        FixtureOverrides(made[name]) for name in ("test_a.py::test_one", "test_a.py::test_two", "test_b.py::test_one")
    )
    assert one.has_value_for(two) == two.has_value_for(one) == same_file
    assert one.has_value_for(other) == other_file  # a fixture of the same name, and another one all the same


def test_a_conftests_session_fixture_is_shared_by_all_files_and_its_module_fixture_by_none(project: Project) -> None:
    with (project.path / "conftest.py").open("a") as file:
        file.write(f"\nimport pytest\n{agent('session')}")
        file.write("@pytest.fixture(scope='module')\ndef judge():\n    return 'checks'\n")
    both = f"{TWO}def test_judged(judge):\n    pass\n"
    made = items(project, test_a=both, test_b=both)
    overrides = {name: FixtureOverrides(item) for name, item in made.items()}
    assert overrides["test_a.py::test_one"].has_value_for(overrides["test_b.py::test_two"])
    assert not overrides["test_a.py::test_judged"].has_value_for(overrides["test_b.py::test_judged"])
    assert not overrides["test_a.py::test_one"].has_value_for(overrides["test_a.py::test_judged"])


def test_a_class_fixture_is_shared_within_its_class(project: Project) -> None:
    with (project.path / "conftest.py").open("a") as file:
        file.write(f"\nimport pytest\n{agent('class')}")
    inside = "    def test_one(self, agent):\n        pass\n    def test_two(self, agent):\n        pass\n"
    made = items(project, test_a=f"class TestA:\n{inside}class TestB:\n{inside}")
    one, two, other = (
        FixtureOverrides(made[f"test_a.py::{name}"])
        for name in ("TestA::test_one", "TestA::test_two", "TestB::test_one")
    )
    assert one.has_value_for(two)
    assert not one.has_value_for(other)


def test_parameters_have_values_of_their_own_and_a_goal_is_never_shared(project: Project) -> None:
    source = agent("module").replace("scope='module'", "scope='module', params=['a', 'b']")
    source += "@pytest.fixture(scope='session')\ndef goal():\n    return None\n"
    made = items(project, test_a=f"{source}{TWO}def test_goal(goal):\n    pass\n")
    overrides = {name.partition("::")[2]: FixtureOverrides(item) for name, item in made.items()}
    assert overrides["test_one[a]"].has_value_for(overrides["test_two[a]"])
    assert not overrides["test_one[a]"].has_value_for(overrides["test_one[b]"])
    assert not overrides["test_goal"].has_value_for(overrides["test_goal"])
