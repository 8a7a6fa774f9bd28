"""Search of flights: by route, and the view of a flight on one day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from pytest_ugst.domains.overlay import Record, SessionTable

_CLOCK = 8
"""Length of ``HH:MM:SS``; an arrival on the next day has ``+1`` behind it."""


class Routes:
    """Index of flight numbers by route. No tool changes where a flight goes, so all sessions share it."""

    def __init__(self, flights: Mapping[str, Mapping[str, Any]]) -> None:
        """Build the index.

        Args:
            flights: The flights by number.
        """
        self._from: dict[str, list[tuple[str, str]]] = {}
        self._between: dict[tuple[str, str], list[str]] = {}
        for number, flight in flights.items():
            origin, destination = flight["origin"], flight["destination"]
            self._from.setdefault(origin, []).append((number, destination))
            self._between.setdefault((origin, destination), []).append(number)

    def leaving(self, origin: str) -> Iterator[tuple[str, str]]:
        """Iterate over number and destination of the flights that leave an airport, in the order of the data."""
        return iter(self._from.get(origin, ()))

    def between(self, origin: str, destination: str) -> list[str]:
        """Return the numbers of the flights between two airports, in the order of the data."""
        return self._between.get((origin, destination), [])


def direct(flights: SessionTable, routes: Routes, origin: str, destination: str, day: str) -> list[Record]:
    """Return the flights between two airports that can be booked for a day."""
    found = []
    for number in routes.between(origin, destination):
        flight = flights[number]
        if bookable(flight, day):
            found.append(_offer(flight, day))
    return found


def one_stop(
    flights: SessionTable, routes: Routes, origin: str, destination: str, day: str, quirks: bool
) -> list[list[Record]]:
    """Return pairs of flights with one change; the second leaves after the first has arrived.

    Args:
        flights: The session's view of the flights.
        routes: The index of routes.
        origin: Airport of departure.
        destination: Airport of arrival.
        day: The day on which the first flight leaves, ``YYYY-MM-DD``.
        quirks: Keep tau-bench's bugs: the second flight of an overnight connection shows seats, prices and status of
            the first flight's day, and the day after the ninth is "10" but the day after the eighth is "9", when
            nothing flies.
    """
    found = []
    for number, stop in routes.leaving(origin):
        onward = routes.between(stop, destination)
        if not onward or not bookable(first := flights[number], day):
            continue
        arrival = first["scheduled_arrival_time_est"]
        overnight = "+1" in arrival
        next_day = _next_day(day, quirks) if overnight else day
        for other in onward:
            second = flights[other]
            if arrival[:_CLOCK] > second["scheduled_departure_time_est"] or not bookable(second, next_day):
                continue
            if quirks and arrival > second["scheduled_departure_time_est"]:
                continue
            leg = _offer(second, day if quirks else next_day)
            found.append([{**_offer(first, day), "date": day}, {**leg, "date": next_day}])
    return found


def bookable(flight: Mapping[str, Any], day: str) -> bool:
    """Return whether seats on a flight are for sale on a day."""
    on_day = flight["dates"].get(day)
    return on_day is not None and on_day["status"] == "available"


def _next_day(day: str, quirks: bool) -> str:
    if quirks:
        return f"2024-05-{int(day[-2:]) + 1}"
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _offer(flight: Mapping[str, Any], day: str) -> Record:
    return {
        "flight_number": flight["flight_number"],
        "origin": flight["origin"],
        "destination": flight["destination"],
        "scheduled_departure_time_est": flight["scheduled_departure_time_est"],
        "scheduled_arrival_time_est": flight["scheduled_arrival_time_est"],
        **flight["dates"].get(day, {}),
    }
