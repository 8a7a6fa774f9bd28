"""MultiWOZ's database files: read once per process, and searched.

Reading parses the files and checks their layout. Records get their final form (booleans, integers, a name for unknown
values) at the first search among them, table by table: most conversations never ask for a train.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pytest_ugst.core.errors import UsageError
from pytest_ugst.domains.multiwoz.clock import DAY_MINUTES, DAYS, clock, minutes
from pytest_ugst.domains.multiwoz.spelling import UNKNOWN, key, postcode, proper, station_words

Record = Mapping[str, Any]
Raw = dict[str, Any]

PLACES: Final = ("restaurant", "hotel", "attraction")
_PLACE = {"name", "area", "address", "postcode"}
LAYOUT: Final[Mapping[str, frozenset[str]]] = {
    "restaurant": frozenset(_PLACE | {"food", "pricerange"}),
    "hotel": frozenset(_PLACE | {"type", "pricerange", "stars", "parking", "internet", "price"}),
    "attraction": frozenset(_PLACE | {"type", "pricerange", "entrance fee"}),
    "train": frozenset({"trainID", "day", "departure", "destination", "leaveAt", "arriveBy", "duration", "price"}),
    "taxi": frozenset({"taxi_colors", "taxi_types"}),
    "police": frozenset({"name", "address", "phone"}),
    "hospital": frozenset({"department", "phone"}),
}
"""The files, and the fields that each of their records must have."""
KINDS: Final = {
    "mutliple sports": "sports centre",
    "multiple sports": "sports centre",
    "swimmingpool": "swimming pool",
    "concerthall": "concert hall",
    "boat": "boat tour",
}
"""Kinds of attractions, renamed. ``mutliple`` is the data's own spelling."""
_REMEDY = "bring an unchanged copy: run 'ugst data fetch multiwoz', or see github.com/budzianowski/multiwoz"


class MultiwozDatabase:
    """The records of all files, read-only."""

    def __init__(self, raw: Mapping[str, list[Raw]], folder: Path) -> None:
        """Take over parsed files.

        Args:
            raw: Records by file, as parsed; they fit :data:`LAYOUT`.
            folder: The files' folder, for error messages.
        """
        self._raw = raw
        self._folder = folder

    @cached_property
    def places(self) -> Mapping[str, tuple[Record, ...]]:
        """The places by their kind: restaurant, hotel, attraction."""
        convert = {"restaurant": _restaurant, "hotel": _hotel, "attraction": _attraction}
        return {what: tuple(self._converted(what, convert[what])) for what in PLACES}

    @cached_property
    def _index(self) -> Mapping[str, Mapping[tuple[str, Any], frozenset[int]]]:
        """Numbers of the places with a value in a field, by the kind of place, then by field and value."""
        index: dict[str, dict[tuple[str, Any], frozenset[int]]] = {}
        for what, records in self.places.items():
            found: dict[tuple[str, Any], set[int]] = {}
            for at, record in enumerate(records):
                for test in _searches_that_find(record):
                    found.setdefault(test, set()).add(at)
            index[what] = {test: frozenset(numbers) for test, numbers in found.items()}
        return index

    @cached_property
    def names(self) -> Mapping[str, tuple[str, Record]]:
        """Kind and record of each place, by the key of its name."""
        return {key(record["name"]): (what, record) for what in PLACES for record in self.places[what]}

    @cached_property
    def trains(self) -> Mapping[str, Mapping[tuple[str, str], tuple[Record, ...]]]:
        """Trains by day, then by origin and destination, the earliest first."""
        found: dict[str, dict[tuple[str, str], list[Record]]] = {day: {} for day in DAYS}
        for train in self._converted("train", _train):
            found[train["day"]].setdefault((train["origin"], train["destination"]), []).append(train)
        return {
            day: {route: tuple(sorted(trains, key=departure)) for route, trains in sorted(routes.items())}
            for day, routes in found.items()
        }

    @cached_property
    def cities(self) -> tuple[str, ...]:
        """The stations that trains go from or to, sorted."""
        return tuple(sorted({city for routes in self.trains.values() for route in routes for city in route}))

    @cached_property
    def services(self) -> Mapping[str, list[Raw]]:
        """The small tables, as they are in the files: taxi, police, hospital."""
        return {what: self._raw[what] for what in ("taxi", "police", "hospital")}

    def search(self, what: str, wanted: Mapping[str, Any]) -> list[Record]:
        """Return the places that match all constraints, in the file's order.

        An unknown value matches nothing, not even ``free_entry=False``. An attraction's ``kind`` may be given by the
        data's own word too.

        Args:
            what: ``restaurant``, ``hotel`` or ``attraction``.
            wanted: Values by field; None is no constraint.
        """
        tests = [(name, _folded(name, value)) for name, value in wanted.items() if value is not None]
        if not tests:
            return list(self.places[what])
        matches = [self._index[what].get(test, frozenset()) for test in tests]
        fewest, *others = sorted(matches, key=len)
        return [self.places[what][at] for at in sorted(fewest.intersection(*others))]

    def search_trains(self, wanted: Mapping[str, Any]) -> list[Record]:
        """Return the trains that match all constraints, by day, the earliest first.

        Args:
            wanted: Any of ``origin``, ``destination`` (some words of the station's name are enough), ``day``,
                ``leave_after`` and ``arrive_by`` (both inclusive; a train that arrives by a time does so on the day of
                departure).
        """
        origins, destinations = self.stations(wanted.get("origin")), self.stations(wanted.get("destination"))
        after = minutes(wanted["leave_after"]) if wanted.get("leave_after") else 0
        by = minutes(wanted["arrive_by"]) if wanted.get("arrive_by") else None
        found: list[Record] = []
        for day in [wanted["day"]] if wanted.get("day") else DAYS:
            on_day = [
                train
                for (origin, destination), trains in self.trains[day].items()
                if origin in origins and destination in destinations
                for train in trains
                if minutes(train["departs"]) >= after and (by is None or arrival(train) <= by)
            ]
            found += sorted(on_day, key=departure)
        return found

    def stations(self, words: str | None) -> frozenset[str]:
        """Return the stations that a traveller may mean by some words; all stations for None."""
        if words is None:
            return frozenset(self.cities)
        wanted = station_words(words)
        exact = {city for city in self.cities if station_words(city) == wanted}
        return frozenset(exact or (city for city in self.cities if wanted and wanted <= station_words(city)))

    def _converted(self, what: str, convert: Callable[[Raw], Raw]) -> Iterator[Record]:
        for number, row in enumerate(self._raw[what], 1):
            try:
                yield MappingProxyType(convert(row))
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                file = self._folder / f"{what}_db.json"
                raise UsageError(f"{file}: record {number} has an unknown form ({error}); {_REMEDY}") from None


@cache
def read_database(folder: Path) -> MultiwozDatabase:
    """Read the files of ``FOLDER/db``, once per process and folder.

    Raises:
        UsageError: If a file is missing, cut off, or of an unknown layout; names the file.
    """
    raw: dict[str, list[Raw]] = {}
    for what, needed in LAYOUT.items():
        file = folder / "db" / f"{what}_db.json"
        try:
            rows = json.loads(file.read_bytes())
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}; {_REMEDY}") from None
        except (ValueError, RecursionError):
            raise UsageError(f"{file}: is cut off or is no JSON; {_REMEDY}") from None
        if type(rows) is not list or not rows:
            raise UsageError(f"{file}: is not a list of records; {_REMEDY}")
        if (problem := _layout_problem(rows, needed)) is not None:
            raise UsageError(f"{file}: {problem}; {_REMEDY}")
        raw[what] = rows
    return MultiwozDatabase(raw, folder / "db")


def _layout_problem(rows: list[Any], needed: frozenset[str]) -> str | None:
    """Describe what the first incomplete record lacks; None if all are complete.

    Each distinct layout is checked once: thousands of records share one.
    """
    if set(map(type, rows)) == {dict} and all(needed.issubset(names) for names in set(map(tuple, rows))):
        return None
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            return f"record {number} is no record"
        if missing := needed - row.keys():
            return f"record {number} lacks {', '.join(sorted(missing))}"
    return None


def departure(train: Record) -> tuple[str, str]:
    """Return the sort key of a train among those of one day."""
    return train["departs"], train["id"]


def arrival(train: Record) -> int:
    """Return a train's arrival in minutes from midnight of the day of departure."""
    return minutes(train["arrives"]) + (DAY_MINUTES if train.get("next_day") else 0)


def _known(row: Raw, name: str) -> str:
    """Return a text of the data with its blanks normalized, or :data:`UNKNOWN` for a missing value."""
    value = row.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}")
    value = " ".join(value.split())
    return UNKNOWN if value in ("", "?") else value


def _common(row: Raw) -> dict[str, Any]:
    return {
        "address": proper(_known(row, "address")),
        "postcode": postcode(_known(row, "postcode")),
        "phone": _known(row, "phone"),
    }


def _restaurant(row: Raw) -> Raw:
    record = {
        "name": proper(row["name"]),
        "cuisine": _known(row, "food"),
        "area": _known(row, "area"),
        "price": _known(row, "pricerange"),
        **_common(row),
    }
    return record | {
        own: value
        for own, name in (("about", "introduction"), ("speciality", "signature"))
        if (value := _known(row, name)) != UNKNOWN
    }


def _hotel(row: Raw) -> Raw:
    return {
        "name": proper(row["name"]),
        "kind": _known(row, "type"),
        "area": _known(row, "area"),
        "price": _known(row, "pricerange"),
        "stars": int(row["stars"]),
        "parking": _yes(row["parking"]),
        "wifi": _yes(row["internet"]),
        "takes_bookings": _yes(row.get("takesbookings", "yes")),
        "rates": ", ".join(f"{room} {pounds} pounds" for room, pounds in sorted(row["price"].items())),
        **_common(row),
    }


def _yes(word: str) -> bool:
    if word not in ("yes", "no", "free"):
        raise ValueError(f"{word!r} is neither yes nor no")
    return word != "no"


def _attraction(row: Raw) -> Raw:
    kind = _known(row, "type")
    return {
        "name": proper(row["name"]),
        "kind": KINDS.get(kind, kind),
        "area": _known(row, "area"),
        "entry_fee": _known(row, "entrance fee"),
        "price": _known(row, "pricerange"),
        "opening_hours": _known(row, "openhours"),
        **_common(row),
    }


def _train(row: Raw) -> Raw:
    leaves, arrives = minutes(row["leaveAt"]), minutes(row["arriveBy"])
    if arrives < leaves:
        arrives += DAY_MINUTES  # some arrivals after midnight are written 02:23, others 24:08
    if row["day"] not in DAYS:
        raise ValueError(f"day is {row['day']!r}")
    record = {
        "id": row["trainID"],
        "origin": proper(row["departure"]),
        "destination": proper(row["destination"]),
        "day": row["day"],
        "departs": clock(leaves),
        "arrives": clock(arrives),
        "minutes": int(row["duration"].split()[0]),
        "price": row["price"],
    }
    return record | ({"next_day": True} if arrives >= DAY_MINUTES else {})


def _folded(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    folded = " ".join(value.lower().split())
    if name == "name":
        return key(value)
    return KINDS.get(folded, folded) if name == "kind" else folded


def _searches_that_find(record: Record) -> Iterator[tuple[str, Any]]:
    """Yield the searches, by one field each, that find a place."""
    yield "name", key(record["name"])
    if (fee := record.get("entry_fee", UNKNOWN)) != UNKNOWN:
        yield "free_entry", fee == "free"
    for name in ("area", "kind", "cuisine", "price", "stars", "parking", "wifi"):
        if record.get(name, UNKNOWN) != UNKNOWN:
            yield name, record[name]
