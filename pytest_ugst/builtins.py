"""The built-ins, registered by the same hook as anyone else's. Each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_ugst.paths import shipped
from pytest_ugst.sources.goalfiles import is_goal_file, load_goals

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.roles import Agent, Domain, Judge, SimulatorFactory
    from pytest_ugst.registry import Registry, RoleContext


def pytest_ugst_register(registry: Registry) -> None:
    """Register what is shipped."""
    registry.simulator("agenda", _agenda)
    registry.agent("rules", _rules)
    registry.judge("checks", lambda argument, context: _checks(registry))
    registry.domain("concierge", _concierge)
    registry.goal_source("concierge", concierge_goals)


def concierge_goals(split: str | None) -> Iterable[Goal]:
    """The shipped goals of the concierge domain; ``split`` is ``test`` or ``train``, or None for both."""
    for path in sorted(shipped("goals").iterdir()):
        if path.name.startswith("concierge") and is_goal_file(path):
            yield from (goal for goal in load_goals(path) if split is None or split in goal.tags)


def _agenda(argument: str | None, context: RoleContext) -> SimulatorFactory:
    from pytest_ugst.simulators import agenda

    return agenda.make(argument, context)


def _rules(argument: str | None, context: RoleContext) -> Agent:
    from pytest_ugst.agents import rules

    return rules.make(argument, context)


def _checks(registry: Registry) -> Judge:
    from pytest_ugst.judges.checks import ChecksJudge

    return ChecksJudge(registry.checks)


def _concierge() -> Domain:
    from pytest_ugst.domains import concierge

    return concierge.load()
