"""Episodes of the agenda with the rules agent about the concierge's train goals, and data folders of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pytest_ugst.core.episode import Episode
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.roles.builtins import concierge_goals
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.trainers.data.examples import examples_of
from pytest_ugst.trainers.data.folder import DataInfo, write_data


@cache
def resolver() -> RoleResolver:
    """Return roles: checks as the judge, and the rules agent."""
    settings, registry = settings_here(cache="off"), builtin_registry()
    return RoleResolver(settings, registry, ModelManager(settings, registry.roles(), Path()))


@cache
def episodes(count: int = 3) -> tuple[Episode, ...]:
    """Play the first goals."""

    async def play_all() -> list[Episode]:
        cast, setting = resolver().role_set(), resolver().config()
        return [
            await run_episode(EpisodeSpec(g.id, g, 1, setting, 10), cast)
            for g in list(concierge_goals("train"))[:count]
        ]

    return tuple(asyncio.run(play_all()))


def write_folder(folder: Path, played: Sequence[Episode], reasoning: bool = True) -> Path:
    """Write a data folder with the rows of some episodes, and return it."""
    prompts = Prompts.load()
    rows = [row for episode in played for row in examples_of(episode, prompts, "auto" if reasoning else "none")]
    info = DataInfo(reasoning="think" if reasoning else "none")
    write_data(folder, info, {"train": rows, "eval": []}, played, {}, "")
    return folder
