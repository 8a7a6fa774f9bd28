"""Many episodes in the caller's event loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import AgentTurn, Session, Simulator
from pytest_ugst.engine.batch import run_episodes
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from pytest_ugst.runs.run import StoredRun
from tests.factories import make_goal, make_run, objective
from tests.stub_roles import agrees, journaled, make_roles, make_spec, short_goal


def specs(*names: str) -> list[EpisodeSpec]:
    return [make_spec(short_goal(name)) for name in names]


def play(run: StoredRun, wanted: list[EpisodeSpec], roles: RoleSet, concurrency: int = 4) -> list[tuple[int, int]]:
    reported: list[tuple[int, int]] = []

    async def all_of_them() -> None:
        await run_episodes(run, wanted, roles, concurrency, lambda done, total: reported.append((done, total)))

    asyncio.run(asyncio.wait_for(all_of_them(), 30))
    return reported


def test_all_are_played_into_the_journal(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r")
    assert play(run, specs("a", "b", "c"), make_roles()) == [(1, 3), (2, 3), (3, 3)]
    assert run.ids == ("a", "b", "c")
    assert (run.missing, run.failures) == (0, {})
    assert sorted(episode.id for episode in journaled(run.folder)) == ["a", "b", "c"]
    assert all(episode.succeeded for episode in run.journal)


def test_what_the_journal_holds_is_not_played_again(tmp_path: Path) -> None:
    play(make_run(tmp_path / "r"), specs("a", "b"), make_roles())
    run = StoredRun(tmp_path / "r")
    asked: list[Conversation] = []

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        asked.append(conversation)
        return await agrees(conversation, session)

    assert play(run, specs("b", "c"), make_roles(answer=answer)) == [(1, 2), (2, 2)]
    assert len(asked) == 2  # the two turns of c
    assert run.ids == ("b", "c")
    assert sorted(episode.id for episode in journaled(run.folder)) == ["a", "b", "c"]


def test_no_more_are_played_at_once_than_allowed(tmp_path: Path) -> None:
    busy, most = 0, 0

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return AgentTurn("yes")

    play(make_run(tmp_path / "r"), specs(*"abcdefgh"), make_roles(answer=answer), concurrency=3)
    assert most == 3


def test_an_episode_that_can_not_be_played_is_recorded_and_the_others_are_played(tmp_path: Path) -> None:
    async def decompose(goal: Goal) -> Goal:
        raise RoleError("no answer")

    run = make_run(tmp_path / "r")
    wanted = [*specs("a"), make_spec(make_goal("whole")), *specs("b")]
    assert len(play(run, wanted, make_roles(decompose=decompose))) == 3
    assert run.failures == {"whole": "no answer"}
    assert (run.ids, run.missing) == (("a", "whole", "b"), 0)
    assert sorted(episode.id for episode in journaled(run.folder)) == ["a", "b"]


@pytest.mark.parametrize("error", [UsageError("it does not fit"), KeyError("scores")])
def test_what_one_goal_does_not_survive_costs_its_own_episode(tmp_path: Path, error: Exception) -> None:
    class Odd:
        name = "odd"

        def start(self, goal: Goal, seed: int, max_turns: int) -> Simulator:
            if goal.id == "b":
                raise error
            return factory.start(goal, seed, max_turns)

    roles = make_roles()
    factory = roles.simulator
    run = make_run(tmp_path / "r")
    play(run, specs(*"abc"), replace(roles, simulator=Odd()))
    assert set(run.failures) == {"b"}
    assert sorted(episode.id for episode in journaled(run.folder)) == ["a", "c"]


def test_an_episode_that_will_not_do_is_played_again(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r")
    old, new = make_spec(make_goal("a", objective("t"))), make_spec(make_goal("a", objective("other")))
    play(run, [old, *specs("b")], make_roles())
    again = make_run(tmp_path / "r")
    play(again, [new, *specs("b")], make_roles())
    assert [component.id for component in again.journal.get("a").components] == ["other"]


def test_what_no_other_episode_would_survive_ends_it(tmp_path: Path) -> None:
    error = ChatUnavailableError("no server")
    asked: list[str] = []

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        asked.append(conversation.turns[-1].user)
        raise error

    run = make_run(tmp_path / "r")
    with pytest.raises(ExceptionGroup) as caught:
        play(run, specs(*"abcdef"), make_roles(answer=answer), concurrency=1)
    assert caught.value.exceptions == (error,)
    assert len(asked) == 1
    assert run.missing == 6
