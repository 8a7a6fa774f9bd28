"""Generating goals in a model's words outside of a test run, with the models and the cache that a run would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.domains.multiwoz.challenge import Pools, Split, SplitDatabase, by_model, generate_worded
from pytest_ugst.roles.batch import run_with_models

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.roles.resolver import RoleResolver

_ROLES = ("judge",)  # the decomposer comes with it


def generate_by_model(
    database: SplitDatabase, pools: Pools, seed: int, count: int, split: Split, settings: Options, registry: Registry
) -> list[Goal]:
    """Generate goals worded by the model that ``settings.decomposer`` names; a server is started for it if needed.

    Raises:
        UsageError: If the model's name, key or address is wrong, or the pools do not go together.
        UgstError: If it can't be reached at all.
    """

    async def work(resolver: RoleResolver) -> list[Goal]:
        reword = by_model(resolver.chat(settings.decomposer, "decomposer"))
        return await generate_worded(database, pools, seed, count, split, reword)

    return run_with_models(settings, registry, _ROLES, work, kind="generate")
