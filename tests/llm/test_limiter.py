"""The adaptive limit: it stays within its bounds, is fair, and loses no slot to cancellation."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.llm.limiter import Limiter, RequestOutcome
from tests.laws import share

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), st.just(0)),
        st.tuples(st.sampled_from(["ok", "overloaded", "neither", "cancel"]), st.integers(0, 30)),
    ),
    max_size=80,
)


OUTCOMES = {
    "ok": RequestOutcome.OK,
    "overloaded": RequestOutcome.OVERLOADED,
    "neither": RequestOutcome.NEITHER,
}


class Callers:
    """Callers of a limiter: some wait for a slot, some hold one."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.waiting: list[tuple[int, asyncio.Task[int]]] = []
        self.held: list[int] = []
        self.granted: list[int] = []
        self.number = 0

    async def step(self, action: str, which: int) -> None:
        if action == "acquire":
            self.waiting.append((self.number, asyncio.create_task(self.limiter.acquire())))
            self.number += 1
        elif action == "cancel":
            if self.waiting:
                await self.cancel(self.waiting.pop(which % len(self.waiting))[1])
        elif self.held:
            self.release(self.held.pop(which % len(self.held)), action)
        await self.settle()

    async def cancel(self, task: asyncio.Task[int]) -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def release(self, ticket: int, outcome: str) -> None:
        before = self.limiter.limit
        self.limiter.release(ticket, OUTCOMES[outcome])
        if outcome == "overloaded":
            assert self.limiter.limit in (before, max(1, before // 2), max(1, (before + 1) // 2))
            assert self.limiter.limit <= before
        else:
            assert before <= self.limiter.limit <= before + 1

    async def settle(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)
        for entry in [w for w in self.waiting if w[1].done()]:
            self.waiting.remove(entry)
            self.granted.append(entry[0])
            self.held.append(entry[1].result())


@given(ceiling=st.integers(1, 6), steps=STEPS)
@share(3)
def test_invariants(ceiling: int, steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        limiter = Limiter(ceiling)
        callers = Callers(limiter)
        for action, which in steps:
            in_flight = limiter.in_flight
            await callers.step(action, which)
            assert 1 <= limiter.limit <= ceiling
            assert limiter.in_flight == len(callers.held)
            # Slots are only granted below the limit; a decrease does not affect requests in flight.
            assert limiter.in_flight <= max(limiter.limit, in_flight)
            # No caller waits while a slot is free, and slots were granted in order.
            assert not callers.waiting or limiter.in_flight >= limiter.limit
            assert callers.granted == sorted(callers.granted)
        for _, task in callers.waiting:
            await callers.cancel(task)

    asyncio.run(play())


def test_one_burst_of_refusals_cuts_once() -> None:
    async def play() -> None:
        limiter = Limiter(64)
        tickets = [await limiter.acquire() for _ in range(64)]
        for ticket in tickets:
            limiter.release(ticket, RequestOutcome.OVERLOADED)
        assert limiter.limit == 32
        # A success sent before the cut does not raise the limit either.
        limiter.release(await limiter.acquire(), RequestOutcome.OK)
        assert limiter.limit == 32
        for _ in range(40):
            limiter.release(await limiter.acquire(), RequestOutcome.OK)
        assert limiter.limit == 33

    asyncio.run(play())


def test_a_grant_that_meets_a_cancellation_is_passed_on() -> None:
    async def play() -> None:
        limiter = Limiter(1)
        ticket = await limiter.acquire()
        first = asyncio.create_task(limiter.acquire())
        second = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        limiter.release(ticket, RequestOutcome.OK)
        first.cancel()  # in the same step in which the slot was granted
        await asyncio.wait_for(second, 5)
        assert first.cancelled()
        assert limiter.in_flight == 1

    asyncio.run(play())


def test_nobody_gets_a_slot_during_a_pause() -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        limiter = Limiter(2)
        limiter.release(await limiter.acquire(), RequestOutcome.OVERLOADED, pause=0.05)
        until = loop.time() + 0.045
        await asyncio.wait_for(limiter.acquire(), 5)
        assert loop.time() >= until

    asyncio.run(play())


def test_the_lower_of_two_ceilings_holds() -> None:
    limiter = Limiter(64)
    limiter.lower_ceiling(8)
    limiter.lower_ceiling(32)
    assert limiter.limit == 8
