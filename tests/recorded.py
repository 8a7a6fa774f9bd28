"""Runs for tests of reports, written down as if they had been played."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.runs.run import Run
from tests.played import SETTING


def episode(goal: str, kept: Mapping[str, bool], **more: Any) -> Episode:
    """An episode of one turn whose policies, by name, were kept or not."""
    parts = tuple(Component(id=name, category=Category.POLICY, text=f"You {name}") for name in kept)
    said = tuple(
        Verdict(component=name, turn=1, status=Status.ALIGNED if good else Status.MISALIGNED, by="judges")
        for name, good in kept.items()
    )
    trial = more.get("trial", 1)
    return Episode(
        goal=Goal(id=goal, text=more.pop("text", "You want tea."), domain=more.pop("domain", "town"), components=parts),
        conversation=Conversation(turns=(Turn(user="u", agent="a"),), stop=StopReason.USER_ENDED),
        verdicts=said,
        **{"id": goal if trial == 1 else f"{goal}@{trial}", "setting": SETTING, "max_turns": 10, **more},
    )


def setting(**fields: Any) -> EpisodeConfig:
    return SETTING.model_copy(update=fields)


def record(home: Path, name: str, *episodes: Episode) -> Run:
    run = Run(home / "runs" / name)
    run.create(episodes[0].setting if episodes else SETTING)
    for one in episodes:
        run.journal.append(one)
    return run
