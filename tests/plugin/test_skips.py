"""Suites that are skipped, or refused, where the named roles can not play them."""

from __future__ import annotations

import json

import pytest

from tests.plugin_project import Project, goal

TEST = "def test_it(episode):\n    assert episode.succeeded\n"
SKIP = f"pytestmark = pytest.mark.ugst(goals='hard.goal.yaml', unplayable='skip')\n{TEST}"


def hard(project: Project) -> None:
    """Goals that need a judge, and one that needs none."""
    project.goals("hidden/hard.goal.yaml", goal("easy"), goal("a"), goal("b"), goal("c"))
    path = project.path / "hidden" / "hard.goal.yaml"
    documents = [json.loads(text) for text in path.read_text().split("\n---\n")]
    del documents[1]["components"]
    documents[2]["components"] = {"policy": ["You say tea"]}
    del documents[3]["components"]
    path.write_text("\n---\n".join(json.dumps(document) for document in documents))
    project.tests(SKIP.replace("hard.goal", "hidden/hard.goal"))


def test_what_no_role_can_do_is_skipped_with_the_options_that_help(project: Project) -> None:
    hard(project)
    result = project.run("-rs", "test_it.py")
    result.assert_outcomes(skipped=4)
    told = "checks can't do these goals; give --ugst-judge=MODEL"
    result.stdout.fnmatch_lines([f"ugst: test_it.py (4 skipped): {told}", f"SKIPPED ?4? test_it.py*: {told}"])
    assert project.runs() == []
    project.run("test_it.py", "-k", "easy").assert_outcomes(passed=1, deselected=3)  # what was chosen can be played
    project.goals("cafe.goal.yaml", goal("tea"))
    project.run("test_it.py", "cafe.goal.yaml").assert_outcomes(passed=1, skipped=4)
    assert project.ids() == ["tea"]


def test_the_built_in_roles_are_named_together(project: Project) -> None:
    hard(project)
    text = project.path.joinpath("hidden/hard.goal.yaml").read_text()
    project.path.joinpath("hidden/hard.goal.yaml").write_text(text.replace('"id"', '"domain": "concierge", "id"'))
    result = project.run("--ugst-sim=agenda", "--ugst-agent=rules", "test_it.py")
    result.assert_outcomes(skipped=4)
    told = "agenda and checks can't do these goals; give --ugst-sim=MODEL and --ugst-judge=MODEL"
    result.stdout.fnmatch_lines([f"ugst: test_it.py (4 skipped): {told}"])


def test_an_agent_that_only_works_elsewhere(project: Project) -> None:
    project.goals("hidden/hard.goal.yaml", goal("easy"))
    project.tests(SKIP.replace("hard.goal", "hidden/hard.goal"))
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\n    class Picky:\n"
            "        name = 'picky'\n"
            "        async def respond(self, conversation, session):\n"
            "            return None\n"
            "        def require(self, session):\n"
            "            from pytest_ugst.core.errors import UsageError\n"
            "            raise UsageError('not here')\n"
            "        async def respond(self, conversation, session):\n"
            "            raise AssertionError\n"
            "    registry.agent('picky', lambda argument, context: Picky())\n"
            "    from pytest_ugst.core.protocols import NoSession\n"
            "    class Town:\n"
            "        name = 'town'\n"
            "        def open(self, goal, seed):\n"
            "            return NoSession()\n"
            "    registry.domain('town', Town)\n"
        )
    path = project.path / "hidden" / "hard.goal.yaml"
    path.write_text(path.read_text().replace('"id"', '"domain": "town", "id"'))
    result = project.run("--ugst-agent=picky", "test_it.py")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["ugst: test_it.py (1 skipped): picky can't do these goals; give --ugst-agent=MODEL"])
    project.tests(SKIP.replace("hard.goal", "hidden/hard.goal").replace(", unplayable='skip'", ""))
    result = project.run("--ugst-agent=picky", "test_it.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *hard.goal.yaml:1: goal 'easy': not here"])


def test_roles_of_a_tests_own_are_taken_to_be_able(project: Project) -> None:
    hard(project)
    project.path.joinpath("hidden/conftest.py").write_text("")
    text = (project.path / "test_it.py").read_text()
    judge = (
        "@pytest.fixture(scope='session')\ndef judge():\n"
        "    def always(component, messages):\n        return 'ALIGNED'\n    return always\n"
    )
    (project.path / "test_it.py").write_text(text + judge)
    result = project.run("test_it.py", "-k", "b")
    assert "can't do these goals" not in result.stdout.str()


def test_without_the_marker_it_is_an_error(project: Project) -> None:
    hard(project)
    path = project.path / "test_it.py"
    path.write_text(path.read_text().replace(", unplayable='skip'", ""))
    result = project.run("test_it.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no model is set to decompose it" in str(result.errlines)


def test_bad_input_is_an_error_even_so(project: Project) -> None:
    hard(project)
    project.tests(SKIP.replace("'skip'", "'maybe'"))
    result = project.run("test_it.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "unplayable='maybe'; write 'error' or 'skip'" in str(result.outlines)


def test_what_is_marked_to_be_skipped_is_not_played(project: Project) -> None:
    project.goals("hidden/easy.goal.yaml", goal("a"), goal("b"))
    project.tests(f"@pytest.mark.skip(reason='later')\n@pytest.mark.ugst(goals='hidden/easy.goal.yaml')\n{TEST}")
    project.run("test_it.py").assert_outcomes(skipped=2)
    assert project.runs() == []
