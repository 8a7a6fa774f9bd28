"""The fixtures of a test author: goal, episode, simulator, agent, judge. Each may be overridden as usual.

An override of ``simulator``, ``agent`` or ``judge`` may return what a name on the command line would stand for, that
name itself, or a plain function. One of session or module scope is best: then the episodes of all tests that see it
are played side by side as soon as the first of them runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.plugin.keys import shipped
from pytest_ugst.plugin.state import session_of

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.engine.spec import GoalCase


@pytest.fixture
def ugst_case(request: pytest.FixtureRequest) -> GoalCase:
    """The goal to play, and for which time. Comes from the ``ugst`` marker or from a goal file."""
    own = getattr(request.node, "ugst_case", None)
    case: GoalCase = own if own is not None else request.param
    return case


@pytest.fixture
@shipped
def goal(ugst_case: GoalCase) -> Goal:
    """The goal under test."""
    if ugst_case.goal is None:
        pytest.fail("no goal here: mark the test with @pytest.mark.ugst(goals=...)", pytrace=False)
    return ugst_case.goal


@pytest.fixture(scope="session")
@shipped
def simulator(pytestconfig: pytest.Config) -> Any:
    """The simulator under test: what ``--ugst-sim`` names."""
    return session_of(pytestconfig).simulator


@pytest.fixture(scope="session")
@shipped
def agent(pytestconfig: pytest.Config) -> Any:
    """The agent it talks to: what ``--ugst-agent`` names."""
    return session_of(pytestconfig).agent


@pytest.fixture(scope="session")
@shipped
def judge(pytestconfig: pytest.Config) -> Any:
    """The judge of the goal states: what ``--ugst-judge`` names."""
    return session_of(pytestconfig).judge


@pytest.fixture
def episode(
    request: pytest.FixtureRequest, ugst_case: GoalCase, goal: Goal, simulator: Any, agent: Any, judge: Any
) -> Episode:
    """The episode: the conversation about ``goal``, played to its end, with the goal state after every turn."""
    from pytest_ugst.core.errors import UgstError
    from pytest_ugst.core.text import plain

    try:
        return session_of(request.config).episode(request, ugst_case, goal, simulator, agent, judge)
    except UgstError as error:  # meant for a person, who is not helped by our code around it
        problem = plain(str(error))
    pytest.fail(problem, pytrace=False)
