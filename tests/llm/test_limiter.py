"""The adaptive limit: never above its bounds, fair, and nothing is lost to cancellation."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ugst.llm.limiter import Limiter, RequestOutcome

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), st.just(0)),
        st.tuples(st.sampled_from(["ok", "overloaded", "neither", "cancel"]), st.integers(0, 30)),
    ),
    max_size=80,
)


@given(ceiling=st.integers(1, 6), steps=STEPS)
@settings(max_examples=150)
def test_invariants(ceiling: int, steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        limiter = Limiter(ceiling)
        waiting: list[tuple[int, asyncio.Task[int]]] = []
        held: list[int] = []
        granted: list[int] = []
        number = 0

        async def settle() -> None:
            for _ in range(4):
                await asyncio.sleep(0)
            for entry in [w for w in waiting if w[1].done()]:
                waiting.remove(entry)
                granted.append(entry[0])
                held.append(entry[1].result())

        for what, which in steps:
            limit, in_flight = limiter.limit, limiter.in_flight
            if what == "acquire":
                waiting.append((number, asyncio.create_task(limiter.acquire())))
                number += 1
            elif what == "cancel":
                if waiting:
                    _, task = waiting.pop(which % len(waiting))
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
            elif held:
                outcome = {
                    "ok": RequestOutcome.OK,
                    "overloaded": RequestOutcome.OVERLOADED,
                    "neither": RequestOutcome.NEITHER,
                }[what]
                limiter.release(held.pop(which % len(held)), outcome)
                if what == "overloaded":
                    assert limiter.limit in (limit, max(1, limit // 2), max(1, (limit + 1) // 2))
                    assert limiter.limit <= limit
                else:
                    assert limit <= limiter.limit <= limit + 1
            await settle()
            assert 1 <= limiter.limit <= ceiling
            assert limiter.in_flight == len(held)
            # Slots are only handed out below the limit; a cut leaves what is under way alone.
            assert limiter.in_flight <= max(limiter.limit, in_flight)
            # Nobody waits while there is room, and those who got a slot came in order.
            assert not waiting or limiter.in_flight >= limiter.limit
            assert granted == sorted(granted)
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(t for _, t in waiting), return_exceptions=True)

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
