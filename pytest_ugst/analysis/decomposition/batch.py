"""Decompose many goals outside of a test run, with the models and the cache that a test run would use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.domains.tau.reference_check import with_reference_check
from pytest_ugst.judges.decomposer import decompose
from pytest_ugst.roles.batch import run_with_models
from pytest_ugst.utils.concurrency import bounded_gather
from pytest_ugst.utils.progress import counting

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver

_ROLES = ("judge",)  # the decomposer comes with it


@dataclass(slots=True)
class DecompositionResult:
    """Goals with their sub-components, and the errors of those that could not be decomposed."""

    goals: list[Goal] = field(default_factory=list)
    """The decomposed goals in the order in which they were given; those that failed are left out."""
    failures: dict[str, str] = field(default_factory=dict)
    """The error message of each goal that failed, by goal id."""


def decompose_all(goals: Sequence[Goal], settings: Options, registry: Registry) -> DecompositionResult:
    """Decompose goals with the model that ``settings.decomposer`` names; a server is started for it if needed.

    Raises:
        UsageError: If the model's name, key or address is wrong.
        UgstError: If it can't be reached at all.
    """
    with counting("goals decomposed") as on_progress:

        async def work(resolver: RoleResolver) -> DecompositionResult:
            return await _decompose(goals, settings, resolver, on_progress)

        return run_with_models(settings, registry, _ROLES, work, kind="decompose")


async def _decompose(
    goals: Sequence[Goal], settings: Options, resolver: RoleResolver, on_progress: Callable[[int, int], None]
) -> DecompositionResult:
    chat = resolver.chat(settings.decomposer, "decomposer")
    failures: dict[str, str] = {}

    async def one(goal: Goal) -> Goal | None:
        try:
            return _checked(await decompose(chat, goal, resolver.prompts), resolver)
        except (ChatUnavailableError, UsageError):
            raise
        except UgstError as error:
            failures[goal.id] = str(error)
            return None

    found = await bounded_gather(goals, one, settings.concurrency, on_progress)
    return DecompositionResult([goal for goal in found if goal is not None], failures)


def _checked(goal: Goal, resolver: RoleResolver) -> Goal:
    """Add the domain's reference check to a goal."""
    try:
        return with_reference_check(goal, resolver.domain)
    except DataMissingError:
        return goal  # a goal can be decomposed even if its database is missing
