"""Judges and agents of a training: asked whether they are there before it begins, at work beside it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.roles.background import BackgroundRoles
from pytest_ugst.roles.batch import builtin_registry, settings_here
from tests.chat_server import ChatServer
from tests.factories import make_goal, objective
from tests.trainers.agenda_episodes import episodes


def live(folder: Path, judge: str = "checks", agent: str = "rules", **models: Any) -> BackgroundRoles:
    settings = settings_here(judge=judge, agent=agent, dir=str(folder), cache="off")
    return BackgroundRoles(settings, builtin_registry(), ("judge", "agent"), folder / "servers")


def test_a_judge_that_is_not_there_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    with ChatServer() as server:
        gone = server.url
    with pytest.raises(UgstError, match=r"reach|refused|connect"), live(tmp_path, gone):
        raise AssertionError("training began")


def test_work_runs_beside_the_training_and_ends_with_it(tmp_path: Path) -> None:
    async def where() -> threading.Thread:
        await asyncio.sleep(0)
        return threading.current_thread()

    with live(tmp_path) as made:
        beside = made.run(where())
        assert beside is not threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            made.run(fails())
        assert made.run(where()) is beside
    assert not beside.is_alive()


async def fails() -> None:
    raise ZeroDivisionError


def test_goals_that_cannot_be_judged_or_answered_are_named(tmp_path: Path) -> None:
    with live(tmp_path) as made:
        made.check_goals([episode.goal for episode in episodes()], agent=True)
        with pytest.raises(
            UsageError, match=r"^goal 'bare': no check on t, and no judge model is set; set --judge to a model"
        ):
            made.check_goals([make_goal("bare", objective("t"))], agent=False)
        with pytest.raises(UsageError, match=r"goal 'whole' .* no sub-components"):
            made.check_goals([make_goal("whole")], agent=False)


def test_servers_are_not_started_by_each_of_many_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="has no base_url"), live(tmp_path, "owner/model"):
        raise AssertionError("training began")
