"""Bounded concurrency."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def bounded_gather(
    items: Iterable[T],
    work: Callable[[T], Awaitable[R]],
    limit: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[R]:
    """Await ``work(item)`` for every item, at most ``limit`` at once.

    Args:
        items: The items, each of which becomes a task.
        work: An async function of one item.
        limit: The most items that are worked on at any time; at least 1.
        on_progress: Called after each item with the number of items that are done, and of all.

    Returns:
        The results in the order of the items.

    Raises:
        BaseExceptionGroup: If ``work`` raises; the other tasks are cancelled, and no more are begun.
    """
    waiting: Sequence[T] = list(items)
    slots = asyncio.Semaphore(limit)
    done = 0

    async def one(item: T) -> R:
        nonlocal done
        await slots.acquire()
        result = await work(item)
        # Work that fails keeps its slot: nothing is to begin before the group has cancelled the tasks that wait.
        slots.release()
        done += 1
        on_progress(done, len(waiting))
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in waiting]
    return [task.result() for task in tasks]
