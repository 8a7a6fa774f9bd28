"""Generating goals in a model's words outside of a test run, with the models and the cache that a run would use."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from pytest_ugst.casting import Casting
from pytest_ugst.engine.run import new_name
from pytest_ugst.sources.challenge import Pools, Split, World, by_model, generate_worded

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.registry import Registry
    from pytest_ugst.settings import Settings

_ROLES = ("judge",)  # the decomposer comes with it


def generate_by_model(
    world: World, pools: Pools, seed: int, count: int, split: Split, settings: Settings, registry: Registry
) -> list[Goal]:
    """Generate goals worded by the model that ``settings.decomposer`` names; a server is started for it if needed.

    Raises:
        UsageError: If the model's name, key or address is wrong, or the pools do not go together.
        UgstError: If it can't be reached at all.
    """
    folder = settings.home / "generate" / new_name()
    casting = Casting(settings, registry, folder, say=lambda line: print(f"ugst: {line}", file=sys.stderr))

    async def run() -> list[Goal]:
        try:
            await casting.preflight(_ROLES)
            reword = by_model(casting.chat(settings.decomposer, "decomposer"))
            return await generate_worded(world, pools, seed, count, split, reword)
        finally:
            await casting.close()

    try:
        casting.require(_ROLES)
        casting.start_servers(_ROLES)
        return asyncio.run(run())
    finally:
        casting.stop_servers()
