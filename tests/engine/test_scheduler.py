from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.agents.adapt import as_agent
from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import RoleError, UsageError
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import AgentTurn, Session, UserTurn
from pytest_ugst.core.usage import Usage
from pytest_ugst.engine.scheduler import Scheduler, StoppedError
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from pytest_ugst.llm.usage_meter import meter
from pytest_ugst.runs.run import StoredRun
from tests.factories import SETTING, make_goal, objective, record
from tests.stub_roles import END, agrees, journaled, make_roles, make_spec, short_goal, speaks

SOON = 20.0  # seconds after which a test gives up; nothing depends on how fast anything is

Starter = Callable[..., Scheduler]


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    return record(tmp_path, "r")


@pytest.fixture
def start(run: StoredRun) -> Iterator[Starter]:
    engines: list[Scheduler] = []

    def make(**options: Any) -> Scheduler:
        engines.append(Scheduler(run, **{"concurrency": 8, **options}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close(cancel=True)
        assert not engine._thread.is_alive()


def specs(count: int) -> list[EpisodeSpec]:
    return [make_spec(short_goal(f"g{number}")) for number in range(count)]


class Block:
    """An agent that answers only when it is let, and knows who is waiting."""

    name = "agents"

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.most = 0
        self._changed = threading.Condition()
        self._let: dict[str, asyncio.Event] = {}
        self._all = False
        self.loop: asyncio.AbstractEventLoop | None = None

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        self.loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        name = task.get_name()
        event = self._let.setdefault(name, asyncio.Event())
        with self._changed:
            self.waiting.add(name)
            self.most = max(self.most, len(self.waiting))
            self._changed.notify_all()
        try:
            if not self._all:
                await event.wait()
        finally:
            with self._changed:
                self.waiting.discard(name)
        return AgentTurn("yes")

    def until(self, count: int) -> set[str]:
        """Wait until that many wait at once."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.waiting) >= count, SOON), self.waiting
            return set(self.waiting)

    def let(self, *names: str) -> None:
        assert self.loop is not None
        for name in names:
            self.loop.call_soon_threadsafe(self._let.setdefault(name, asyncio.Event()).set)

    def let_all(self) -> None:
        self._all = True
        self.let(*self._let)


def blocked(block: Block) -> RoleSet:
    roles = make_roles(speaks(1))
    return RoleSet(roles.simulator, block, roles.judge, roles.checks, roles.domain)


def test_everything_starts_at_once_and_each_is_waited_for_by_itself(start: Starter) -> None:
    engine, block = start(concurrency=16), Block()
    for spec in specs(12):
        engine.start(spec, blocked(block))
    assert block.until(12) == {f"g{n}" for n in range(12)}
    assert engine.counts == (0, 12)
    block.let("g7")
    assert engine.wait("g7").id == "g7"
    assert engine.counts == (1, 12)
    block.let_all()
    assert [engine.wait(f"g{n}").id for n in range(12)] == [f"g{n}" for n in range(12)]
    assert engine.played == 12


def test_no_more_are_played_at_once_than_allowed(start: Starter) -> None:
    engine, block = start(concurrency=3), Block()
    for spec in specs(10):
        engine.start(spec, blocked(block))
    for number in range(10):
        block.let(*list(block.until(min(3, 10 - number)))[:1])
        # One by one: whoever is let makes room for one other.
        while engine.counts[0] <= number:
            threading.Event().wait(0.005)
    assert block.most == 3
    assert engine.counts == (10, 10)
    assert engine.share == 1


def test_an_episode_is_played_once_however_often_it_is_started(start: Starter, run: StoredRun) -> None:
    engine = start()
    spec = make_spec()
    for _ in range(3):
        engine.start(spec, make_roles())
    assert engine.known("g")
    assert not engine.known("h")
    assert engine.wait("g") == engine.wait("g")
    engine.close(cancel=False)
    assert len(journaled(run.folder)) == 1


def test_what_is_in_the_journal_is_not_played(start: Starter, run: StoredRun) -> None:
    first = start()
    first.start(make_spec(), make_roles())
    episode = first.wait("g")
    first.close(cancel=False)
    second = start()
    second.start(make_spec(), make_roles(answer=fails(AssertionError("played again"))))
    assert second.wait("g") == episode
    assert second.played == 0


def fails(error: Exception) -> Callable[[Conversation, Session], Any]:
    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        raise error

    return answer


def test_thousands_of_finished_episodes_are_read_back_from_the_journal(start: Starter) -> None:
    engine = start()
    for spec in specs(100):
        engine.start(spec, make_roles(speaks(1)))
    for number in reversed(range(100)):
        assert engine.wait(f"g{number}").id == f"g{number}"
    assert len(engine._recent) <= 64


def test_waiting_ticks(start: Starter) -> None:
    engine, block = start(), Block()
    engine.start(make_spec(), blocked(block))
    block.until(1)
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            block.let("g")

    assert engine.wait("g", tick, every=0.01).id == "g"
    assert len(ticks) >= 3


def test_what_can_t_be_played_is_raised_where_it_is_waited_for(start: Starter, run: StoredRun) -> None:
    engine = start()
    engine.start(make_spec(short_goal("broken", domain="shop")), make_roles())  # its domain can't be opened
    engine.start(make_spec(short_goal("bad")), make_roles(answer=fails(UsageError("set the key"))))
    engine.start(make_spec(short_goal("well")), make_roles())
    with pytest.raises(AssertionError, match="shop"):
        engine.wait("broken")
    with pytest.raises(UsageError, match="set the key"):
        engine.wait("bad")
    assert engine.wait("well").succeeded
    assert run.failures == {"broken": "AssertionError: shop", "bad": "set the key"}


def test_a_timeout_of_a_role_is_no_tick(start: Starter) -> None:
    """``TimeoutError`` is also what waiting for a future raises."""

    async def decompose(goal: Any) -> Any:
        raise TimeoutError("too slow")

    engine = start()
    spec = make_spec()
    spec = EpisodeSpec("g", spec.goal.model_copy(update={"components": None}), 1, SETTING, 3)
    engine.start(spec, make_roles(decompose=decompose))
    with pytest.raises(TimeoutError, match="too slow"):
        engine.wait("g", every=0.01)


def test_a_role_that_fails_costs_its_own_episode_only(start: Starter) -> None:
    engine = start()
    engine.start(make_spec(short_goal("a")), make_roles(answer=fails(RoleError("no answer"))))
    engine.start(make_spec(short_goal("b")), make_roles())
    assert engine.wait("a").conversation.stop is StopReason.AGENT_ERROR
    assert engine.wait("b").succeeded


def test_a_model_out_of_reach_stops_what_is_left(start: Starter, run: StoredRun) -> None:
    engine = start(concurrency=1)
    made = specs(5)
    engine.start(made[0], make_roles())
    engine.start(made[1], make_roles(answer=fails(ChatUnavailableError("model 'm' at http://x: refused"))))
    for spec in made[2:]:
        engine.start(spec, make_roles())
    assert engine.wait("g0").succeeded
    with pytest.raises(ChatUnavailableError, match="refused"):
        engine.wait("g1")
    for spec in made[2:]:
        with pytest.raises(
            StoppedError, match=r"not played, since an earlier episode found: model 'm' at http://x: refused"
        ):
            engine.wait(spec.id)
    assert set(run.failures) == {"g1", "g2", "g3", "g4"}
    engine.close(cancel=True)
    assert [e.id for e in journaled(run.folder)] == ["g0"]


def test_cancelling_keeps_what_is_done(start: Starter, run: StoredRun) -> None:
    engine, block = start(concurrency=2), Block()
    for spec in specs(5):
        engine.start(spec, blocked(block))
    block.let(next(iter(block.until(2))))
    while engine.counts[0] < 1:
        threading.Event().wait(0.005)
    block.until(2)
    engine.close(cancel=True)
    (done,) = journaled(run.folder)
    for number in range(5):
        if f"g{number}" != done.id:
            with pytest.raises(StoppedError, match="the run was stopped before this episode was done"):
                engine.wait(f"g{number}")
    assert run.failures == {}  # not played is not a failure to play
    assert not engine._thread.is_alive()
    engine.close(cancel=True)


def test_closing_gently_finishes_what_was_begun_and_begins_nothing(start: Starter, run: StoredRun) -> None:
    engine, block = start(concurrency=2), Block()
    for spec in specs(6):
        engine.start(spec, blocked(block))
    begun = block.until(2)
    closer = threading.Thread(target=engine.close, kwargs={"cancel": False})
    closer.start()
    while not engine._closed:
        threading.Event().wait(0.005)
    block.let_all()
    closer.join(SOON)
    assert not closer.is_alive()
    assert {e.id for e in journaled(run.folder)} == begun


def test_the_closing_coroutine_is_awaited_in_the_loop(start: Starter) -> None:
    where: list[str] = []

    async def closing() -> None:
        where.append(threading.current_thread().name)

    engine = start(on_close=closing)
    engine.start(make_spec(), make_roles())
    engine.wait("g")
    engine.close(cancel=True)
    assert where == ["ugst-engine"]


def test_a_plain_function_that_hangs_holds_nobody_up(start: Starter, run: StoredRun) -> None:
    never = threading.Event()
    asked = threading.Event()

    def hangs(messages: list[dict[str, str]]) -> str:
        asked.set()
        never.wait()
        return "too late"

    engine = start()
    roles = make_roles()
    engine.start(make_spec(), RoleSet(roles.simulator, as_agent(hangs), roles.judge, roles.checks, roles.domain))
    assert asked.wait(SOON)
    engine.close(cancel=True)
    with pytest.raises(StoppedError):
        engine.wait("g")
    assert all(t.daemon for t in threading.enumerate() if t.name == "ugst-call")
    never.set()


def test_plain_functions_block_beside_each_other(start: Starter) -> None:
    """Forty agents that each wait until all forty were asked."""
    together = threading.Barrier(40)

    def agent(messages: list[dict[str, str]]) -> str:
        together.wait(SOON)
        return "yes"

    engine = start(concurrency=40)
    roles = make_roles(speaks(1))
    roles = RoleSet(roles.simulator, as_agent(agent), roles.judge, roles.checks, roles.domain)
    for spec in specs(40):
        engine.start(spec, roles)
    stops = {engine.wait(f"g{n}").conversation.stop for n in range(40)}
    assert stops == {StopReason.USER_ENDED}


def test_an_async_role_that_ignores_its_cancellation_is_not_waited_for_long(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_ugst.engine.scheduler._PATIENCE", 0.1)
    asked, over = threading.Event(), threading.Event()

    async def stubborn(conversation: Conversation, session: Session) -> AgentTurn:
        asked.set()
        while not over.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return AgentTurn("late")

    engine = start()
    engine.start(make_spec(), make_roles(answer=stubborn))
    assert asked.wait(SOON)
    engine.close(cancel=True)
    over.set()


def test_what_a_callback_raises_is_kept_and_costs_nothing(start: Starter, run: StoredRun) -> None:
    told: list[str] = []

    def finished(episode: Episode) -> None:
        told.append(episode.id)
        assert episode.id in run.journal
        if episode.id == "g1":
            raise ValueError("no such dashboard")

    engine = start(on_finished=finished)
    for spec in specs(3):
        engine.start(spec, make_roles())
    for number in range(3):
        assert engine.wait(f"g{number}").succeeded
    engine.close(cancel=False)
    assert sorted(told) == ["g0", "g1", "g2"]
    assert engine.callback_errors == ["ValueError: no such dashboard"]


def test_usage_is_counted_by_episode(start: Starter) -> None:
    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        counter = meter.get()
        assert counter is not None
        counter.add("agent", Usage(calls=1, prompt_tokens=len(conversation.turns)))
        return await agrees(conversation, session)

    engine = start()
    engine.start(make_spec(short_goal("a")), make_roles(speaks(1), answer))
    engine.start(make_spec(short_goal("b")), make_roles(speaks(3), answer))
    assert engine.wait("a").usage == {"agent": Usage(calls=1, prompt_tokens=1)}
    assert engine.wait("b").usage == {"agent": Usage(calls=3, prompt_tokens=6)}


def test_the_stop_file_ends_waiting_and_finishing(start: Starter, tmp_path: Path) -> None:
    note = tmp_path / "stop"
    engine, block = start(stop_file=note, shared=True), Block()
    engine.start(make_spec(), blocked(block))
    block.until(1)
    note.touch()
    with pytest.raises(StoppedError, match="was stopped"):
        engine.wait("g", every=0.01)
    engine.close(cancel=False)  # would wait for ever, were it not told to stop


def test_episodes_are_steered_by_their_plan(start: Starter) -> None:
    states: list[GoalState | None] = []

    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        states.append(state)
        return END

    engine = start()
    engine.start(make_spec(make_goal("g", objective("a")), steer="state"), make_roles(speak))
    engine.wait("g")
    assert isinstance(states[0], GoalState)
