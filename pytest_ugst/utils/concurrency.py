"""Doing many things at once, bounded."""

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
        items: What to work on.
        work: Called with each item.
        limit: The most that are under way at any time; at least 1.
        on_progress: Called after each item with the number of items that are done, and of all.

    Returns:
        The results in the order of the items.

    Raises:
        BaseExceptionGroup: Of what ``work`` raised; what is still under way is cancelled, and nothing more is begun.
    """
    waiting: Sequence[T] = list(items)
    slots = asyncio.Semaphore(limit)
    done = 0

    async def one(item: T) -> R:
        nonlocal done
        async with slots:
            result = await work(item)
        done += 1
        on_progress(done, len(waiting))
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in waiting]
    return [task.result() for task in tasks]
