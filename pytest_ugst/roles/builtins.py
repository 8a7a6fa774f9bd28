"""The built-ins, registered by the same hook as anyone else's. Each is imported when it is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.config.shipped import shipped
from pytest_ugst.core.check import CHECKS
from pytest_ugst.goals.files import is_goal_file
from pytest_ugst.goals.shipped import shipped_goals

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.protocols import Agent, DataLocator, Domain, Judge, SimulatorFactory
    from pytest_ugst.core.registry import Registry, RoleContext


def pytest_ugst_register(registry: Registry) -> None:
    """Register what is shipped."""
    registry.simulator("agenda", _agenda)
    registry.agent("rules", _rules)
    registry.judge(CHECKS, lambda argument, context: _checks(registry))
    registry.domain("concierge", _concierge)
    registry.goal_source("concierge", concierge_goals)
    for name in ("airline", "retail"):
        registry.domain(name, partial(_tau_domain, registry, name, "v1"))
        registry.domain(f"{name}-tau2", partial(_tau_domain, registry, name, "tau2"))
        registry.goal_source(name, partial(tau_goals, registry, name))
        registry.goal_source(f"{name}-tau2", partial(tau2_goals, registry, name))
    registry.domain("multiwoz", partial(_multiwoz, registry))
    registry.goal_source("multiwoz_challenge", partial(_challenge_goals, registry))
    registry.check("db_matches_reference", partial(_db_matches_reference, registry))


def _data_dirs(registry: Registry) -> DataLocator:
    return registry.data_dirs or USUAL_PLACES


def concierge_goals(split: str | None) -> Iterable[Goal]:
    """The shipped goals of the concierge domain; ``split`` is ``test`` or ``train``, or None for both."""
    for path in sorted(shipped("goals").iterdir()):
        if path.name.startswith("concierge") and is_goal_file(path):
            yield from (goal for goal in shipped_goals(path.name) if split is None or split in goal.tags)


def tau_goals(registry: Registry, domain: str, split: str | None) -> Iterable[Goal]:
    """The goals of tau-bench's airline or retail domain; its test split by default.

    Raises:
        DataMissingError: If the data is not on this machine.
    """
    from pytest_ugst.domains.tau.goals import import_tau_bench

    return import_tau_bench(_data_dirs(registry).locate("tau-bench"), domain, split or "test")


def tau2_goals(registry: Registry, domain: str, split: str | None) -> Iterable[Goal]:
    """The goals of tau2-bench's airline or retail domain; all of them (``base``) by default.

    Raises:
        DataMissingError: If the data is not on this machine.
    """
    from pytest_ugst.domains.tau.goals_tau2 import import_tau2_bench

    return import_tau2_bench(_data_dirs(registry).locate("tau2-bench"), domain, split)


def _tau_domain(registry: Registry, name: str, edition: str) -> Domain:
    module = importlib.import_module(f"pytest_ugst.domains.tau.{name}")
    domain: Domain = (module.load if edition == "v1" else module.load_tau2)(_data_dirs(registry))
    return domain


def _multiwoz(registry: Registry) -> Domain:
    from pytest_ugst.domains import multiwoz

    return multiwoz.load(_data_dirs(registry))


def _challenge_goals(registry: Registry, split: str | None) -> Iterable[Goal]:
    from pytest_ugst.domains.multiwoz.challenge.source import challenge_goals

    return challenge_goals(split, _data_dirs(registry))


def _db_matches_reference(registry: Registry, *args: Any, **kwargs: Any) -> Any:
    from pytest_ugst.domains.tau.reference_check import db_matches_reference

    return db_matches_reference(lambda name: registry.domains.get(name)(), *args, **kwargs)


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
