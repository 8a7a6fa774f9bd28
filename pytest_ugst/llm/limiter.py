"""Adaptive limit of the requests in flight at one server: additive increase, multiplicative decrease (AIMD)."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum


class RequestOutcome(Enum):
    """The outcomes of a request, by what they say about the server's load."""

    OK = 1
    """The request succeeded."""
    OVERLOADED = 2
    """The server refused the request, or was too slow to answer."""
    NEITHER = 3
    """The request was cancelled, or failed for another reason."""


class Limiter:
    """Slots for requests, granted in the order of :meth:`acquire`.

    The limit follows additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP's congestion window
    does: as many successes as there are slots add one slot; an overload halves them. Requests that were sent before
    the last decrease say nothing about the current limit, so one burst of refusals decreases it once.

    Used from one event loop; not thread-safe.
    """

    def __init__(self, ceiling: int, floor: int = 1) -> None:
        """Start at the ceiling.

        Args:
            ceiling: Maximum number of slots.
            floor: Minimum number of slots.
        """
        self._ceiling = float(ceiling)
        self._floor = float(floor)
        self._limit = float(ceiling)
        self._in_flight = 0
        self._generation = 0
        self._not_before = 0.0
        self._wake_up: asyncio.TimerHandle | None = None
        self._waiters: deque[asyncio.Future[int]] = deque()

    @property
    def limit(self) -> int:
        """The current number of slots."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """The number of slots in use."""
        return self._in_flight

    def lower_ceiling(self, ceiling: int) -> None:
        """Lower the maximum number of slots to ``ceiling``; a higher value changes nothing."""
        self._ceiling = min(self._ceiling, max(float(ceiling), self._floor))
        self._limit = min(self._limit, self._ceiling)

    async def acquire(self) -> int:
        """Wait for a slot.

        Returns:
            A ticket for :meth:`release`.
        """
        if not self._waiters and self._not_before == 0.0 and self._in_flight < int(self._limit):
            self._in_flight += 1
            return self._generation
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._grant()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # The slot was granted in the same step as the cancellation: pass it on.
                self._in_flight -= 1
                self._grant()
            raise

    def release(self, ticket: int, outcome: RequestOutcome, pause: float = 0.0) -> None:
        """Give a slot back.

        Args:
            ticket: The value that :meth:`acquire` returned.
            outcome: The outcome of the request.
            pause: Seconds that the server asked to wait; no slot is granted meanwhile.
        """
        self._in_flight -= 1
        if ticket == self._generation:
            if outcome is RequestOutcome.OK:
                self._limit = min(self._ceiling, self._limit + 1.0 / self._limit)
            elif outcome is RequestOutcome.OVERLOADED:
                self._limit = max(self._floor, self._limit / 2.0)
                self._generation += 1
        if pause > 0.0:
            self._not_before = max(self._not_before, asyncio.get_running_loop().time() + pause)
        if self._waiters:
            self._grant()

    def _grant(self) -> None:
        if self._not_before:
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                if self._wake_up is None and self._waiters:
                    self._wake_up = loop.call_at(self._not_before, self._on_wake_up)
                return
            self._not_before = 0.0
        while self._waiters and self._in_flight < int(self._limit):
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._in_flight += 1
                waiter.set_result(self._generation)

    def _on_wake_up(self) -> None:
        self._wake_up = None
        self._grant()
