"""Bounded concurrency: order, limit, progress, and the end after a failure."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ugst.utils.concurrency import bounded_gather


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
@example([2] * 12, 5)
def test_results_keep_their_order_and_the_limit_is_never_exceeded(steps: list[int], limit: int) -> None:
    begun: list[int] = []
    reported: list[tuple[int, int]] = []
    busy = busiest = 0

    async def work(number: int) -> int:
        nonlocal busy, busiest
        begun.append(number)
        busy += 1
        busiest = max(busiest, busy)
        for _ in range(steps[number]):
            await asyncio.sleep(0)
        busy -= 1
        return number * number

    def on_progress(done: int, total: int) -> None:
        reported.append((done, total))

    made = asyncio.run(bounded_gather(range(len(steps)), work, limit, on_progress))
    assert made == [number * number for number in range(len(steps))]
    assert begun == list(range(len(steps)))
    assert busiest <= limit
    assert reported == [(done, len(steps)) for done in range(1, len(steps) + 1)]
    if all(steps):
        assert busiest == min(limit, len(steps))


@pytest.mark.parametrize("limit", [1, 3])
def test_after_the_first_failure_nothing_is_begun(limit: int) -> None:
    begun: list[int] = []
    reported: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise ValueError("out of tea")
        await asyncio.sleep(0)

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(bounded_gather(range(20), work, limit, lambda done, total: reported.append(done)))
    assert [str(error) for error in caught.value.exceptions] == ["out of tea"]
    assert begun == [0, 1, 2]
    assert reported == [1, 2]


def test_what_was_begun_when_another_fails_is_cancelled() -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        try:
            if number == 2:
                raise ValueError("out of tea")
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    with pytest.raises(ExceptionGroup, match="TaskGroup"):
        asyncio.run(bounded_gather(range(20), work, 4))
    assert sorted(ended) == [0, 1, 2, 3]


def test_cancelling_it_cancels_the_work() -> None:
    ended: list[int] = []

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    async def scene() -> None:
        task = asyncio.create_task(bounded_gather(range(9), work, 4))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())
    assert sorted(ended) == [0, 1, 2, 3]
