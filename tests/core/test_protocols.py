"""The optional contracts of sessions and agents, as the built-in ones have them."""

from __future__ import annotations

from pathlib import Path

from pytest_ugst.agents.rules.agent import RulesAgent
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import (
    Agent,
    AgentTurn,
    Domain,
    NoSession,
    SupportsChanges,
    SupportsEdits,
    SupportsRequire,
    SupportsScores,
)
from pytest_ugst.domains import concierge
from tests.domains.tau.small_tau import session, write

OPTIONAL: set[type] = {SupportsScores, SupportsEdits, SupportsChanges}


class Quiet:
    """An agent that works everywhere."""

    name = "quiet"

    async def respond(self, conversation: object, session: object) -> AgentTurn:
        return AgentTurn("")


def supported(value: object) -> set[type]:
    return {protocol for protocol in OPTIONAL if isinstance(value, protocol)}


def test_sessions_have_the_optional_contracts_that_their_domain_can_keep(tmp_path: Path) -> None:
    assert supported(NoSession()) == set()
    domain = concierge.load()
    assert isinstance(domain, Domain)
    assert supported(domain.open(Goal(id="g", text="A table."), 0)) == {SupportsEdits}
    assert supported(session(write(tmp_path), "airline")) == OPTIONAL


def test_an_agent_may_require_something_of_a_session() -> None:
    assert isinstance(RulesAgent(), SupportsRequire)
    assert isinstance(Quiet(), Agent)
    assert not isinstance(Quiet(), SupportsRequire)
