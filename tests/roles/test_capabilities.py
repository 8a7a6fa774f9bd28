"""Whether the named roles can play and judge a goal: one answer for errors, skips and trainers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import AgentTurn, NoSession, Session
from pytest_ugst.core.registry import Registry
from pytest_ugst.engine.spec import cases
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.roles.capabilities import (
    PYTEST_OPTIONS,
    MissingCapability,
    missing_capabilities,
    missing_for_judging,
    require_capabilities,
    skip_reason,
)
from pytest_ugst.roles.resolver import RoleResolver
from tests.factories import complete, make_goal, objective, policy

CHECKED = make_goal("checked", objective("t", complete("tea")))
BARE = make_goal("bare", objective("t"), policy("p"), objective("u"), objective("v"))
WHOLE = make_goal("whole")
TRAINER = {"agent": "--agent", "judge": "--judge"}


class Town:
    """A domain of the tests' own."""

    name = "town"

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, goal: Goal, seed: int) -> NoSession:
        self.opened.append(goal.id)
        return NoSession()


class Picky:
    """An agent that works in no domain."""

    name = "picky"

    def require(self, session: Session) -> None:
        raise UsageError("not here")

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        raise AssertionError


class Particular:
    """A simulator that refuses some goals."""

    name = "particular"

    def start(self, goal: Goal, seed: int, max_turns: int) -> Any:
        errors: dict[str, Exception] = {
            "bare": UsageError(f"goal 'bare' takes more than {max_turns} turns"),
            "buggy": KeyError("oops"),
            "broken": UgstError("no prompts"),
        }
        raise errors.get(goal.id, UsageError("never"))


@pytest.fixture
def town() -> Town:
    return Town()


def resolver_for(town: Town | None = None, **options: Any) -> RoleResolver:
    settings, registry = settings_here(**{"sim": "qwen", "cache": "off", **options}), builtin_registry()
    _register(registry, town or Town())
    return RoleResolver(settings, registry, ModelManager(settings, registry.roles(), Path()))


def _register(registry: Registry, town: Town) -> None:
    registry.domain("town", lambda: town)
    registry.agent("picky", lambda argument, context: Picky())
    registry.simulator("particular", lambda argument, context: Particular())


def messages(goal: Goal, resolver: RoleResolver, *own: str, **more: Any) -> list[str]:
    return [one.message for one in missing_capabilities(goal, 10, resolver, own, **more)]


def test_nothing_is_missing_where_checks_or_a_model_decide() -> None:
    assert messages(CHECKED, resolver_for(judge="checks")) == []
    for goal in (CHECKED, BARE, WHOLE):
        assert messages(goal, resolver_for(judge="qwen")) == []
    assert messages(WHOLE, resolver_for(judge="checks", decomposer="qwen")) == []


def test_the_message_names_goal_what_is_missing_and_the_remedy() -> None:
    resolver = resolver_for(judge="checks")
    assert messages(BARE, resolver) == [
        "goal 'bare': no check on t, p, u ..., and no judge model is set; set --ugst-judge to a model, or add a "
        "check to each"
    ]
    assert messages(WHOLE.model_copy(update={"source": "a.goal.yaml:3"}), resolver) == [
        "a.goal.yaml:3: goal 'whole' has no components and no model is set to decompose it; set --ugst-judge or "
        "--ugst-decomposer to a model, or write its components"
    ]


def test_a_trainer_has_options_of_its_own() -> None:
    resolver = resolver_for(judge="checks")
    (bare,) = missing_for_judging(BARE, resolver, TRAINER)
    assert "set --judge to a model" in bare.message
    (whole,) = missing_for_judging(WHOLE, resolver, TRAINER)
    assert "set --judge to a model, or write its components" in whole.message
    assert skip_reason([bare], TRAINER) == "checks can't do these goals; give --judge=MODEL"


def test_an_agent_says_for_itself_where_it_works(town: Town) -> None:
    goal = make_goal("g", *CHECKED.components or (), domain="town")
    resolver = resolver_for(town, judge="checks", agent="picky")
    assert missing_capabilities(goal, 10, resolver) == [MissingCapability("agent", "picky", "goal 'g': not here")]
    assert messages(goal, resolver, "agent") == []
    assert messages(CHECKED, resolver) == []  # without a domain there is nothing to work with
    assert messages(goal, resolver_for(town, judge="checks", agent="qwen")) == []


def test_judging_alone_opens_no_domain(town: Town) -> None:
    goal = make_goal("g", objective("t"), domain="town")
    (missing,) = missing_for_judging(goal, resolver_for(town, judge="checks", agent="picky", sim="particular"))
    assert missing.role == "judge"
    assert town.opened == []


def test_a_simulator_says_for_itself_what_it_plays() -> None:
    resolver = resolver_for(judge="qwen", sim="particular")
    assert messages(BARE, resolver) == ["goal 'bare' takes more than 10 turns"]
    assert messages(BARE, resolver, "simulator") == []
    # What a simulator of the user's own gets wrong is told by its episode.
    assert messages(make_goal("buggy", objective("t")), resolver) == []
    with pytest.raises(UgstError, match="no prompts"):
        missing_capabilities(make_goal("broken", objective("t")), 10, resolver)
    # It may need the sub-components that the goal is going to have.
    assert messages(make_goal("broken"), resolver) == []


def test_a_domain_that_does_not_exist_is_no_matter_of_roles() -> None:
    with pytest.raises(UsageError, match="unknown domain 'twon'; did you mean 'town'"):
        missing_capabilities(make_goal("g", domain="twon"), 10, resolver_for(judge="qwen"), {"simulator", "agent"})


def test_everything_is_asked_before_anything_is_played() -> None:
    resolver = resolver_for(judge="checks")
    require_capabilities(cases([CHECKED], 2, 10), resolver)
    with pytest.raises(UsageError, match=r"^goal 'bare': no check on t"):
        require_capabilities(cases([CHECKED, BARE, WHOLE], 1, 10), resolver)
    require_capabilities(cases([CHECKED, BARE, WHOLE], 1, 10), resolver, {"judge"})


def test_a_goal_is_asked_about_once_in_all_its_trials(town: Town) -> None:
    goals = [make_goal(name, *CHECKED.components or (), domain="town") for name in "ab"]
    require_capabilities(cases(goals, 5, 10), resolver_for(town, judge="checks", agent="qwen"))
    assert town.opened == ["a", "b"]


NAMES = {"simulator": "agenda", "agent": "rules", "judge": "checks"}


@given(st.lists(st.sampled_from(list(NAMES)), min_size=1, max_size=8))
def test_the_reason_names_every_role_once_in_the_order_of_the_options(roles: list[str]) -> None:
    reason = skip_reason(MissingCapability(role, NAMES[role], f"goal {n}") for n, role in enumerate(roles))
    names, _, flags = reason.partition(" can't do these goals; give ")
    asked = [role for role in NAMES if role in roles]
    assert names.replace(" and ", ", ").split(", ") == [NAMES[role] for role in asked]
    assert flags.replace(" and ", ", ").split(", ") == [f"{PYTEST_OPTIONS[role]}=MODEL" for role in asked]


def test_the_reason_reads_well() -> None:
    checks = MissingCapability("judge", "checks", "")
    agenda = MissingCapability("simulator", "agenda", "")
    assert skip_reason([checks]) == "checks can't do these goals; give --ugst-judge=MODEL"
    assert skip_reason([checks, agenda, MissingCapability("agent", "rules", "")]) == (
        "agenda, rules and checks can't do these goals; give --ugst-sim=MODEL, --ugst-agent=MODEL and "
        "--ugst-judge=MODEL"
    )
