"""Consistency of the domain's data."""

from __future__ import annotations

import itertools
from collections import Counter

from pytest_ugst.domains.concierge.clock import DAYS
from pytest_ugst.domains.concierge.data import base, places

AREAS = ("north", "south", "east", "west", "centre")
TABLES = base().tables


def test_there_are_as_many_records_as_promised() -> None:
    assert {name: len(table) for name, table in TABLES.items()} == {
        "bookings": 0,
        "restaurants": 50,
        "hotels": 40,
        "attractions": 60,
        "trains": 200,
    }


def test_names_are_distinctive() -> None:
    names = [record["name"].lower() for _, record in places()]
    assert len(set(names)) == 150
    assert all(len(name.split()) > 1 for name in names)
    assert not [(a, b) for a, b in itertools.permutations(names, 2) if a in b]
    cities = {train["origin"].lower() for train in TABLES["trains"].values()}
    taken = {*AREAS, *DAYS, *cities, "cheap", "moderate", "expensive", "free", "center"}
    assert not [name for name in names if taken & set(name.split())]


def test_addresses_postcodes_phones_and_ids_are_unique() -> None:
    records = [record for _, record in places()]
    for field in ("id", "address", "postcode", "phone"):
        assert len({record[field] for record in records}) == 150, field


def test_every_value_is_one_the_tools_know() -> None:
    for _, record in places():
        assert record["area"] in AREAS
        assert record.get("price", "cheap") in ("cheap", "moderate", "expensive")
        assert set(record["full"]) < set(DAYS), "a place has a free day"
    assert all(1 <= hotel["stars"] <= 5 for hotel in TABLES["hotels"].values())


def test_there_are_matches_and_gaps_in_every_category() -> None:
    for table, field in (("restaurants", "cuisine"), ("hotels", "kind"), ("attractions", "kind")):
        cells = Counter((record["area"], record[field]) for record in TABLES[table].values())
        assert max(cells.values()) <= 4
        kinds = {kind for _, kind in cells}
        assert len(cells) < len(AREAS) * len(kinds), "some combination is impossible"


def test_trains_run_from_and_to_the_town_and_arrive_after_they_left() -> None:
    for train in TABLES["trains"].values():
        assert (train["origin"] == "Quillhaven") != (train["destination"] == "Quillhaven")
        hours = [int(t[:2]) * 60 + int(t[3:]) for t in (train["departs"], train["arrives"])]
        assert hours[1] - hours[0] == train["minutes"] > 0
        assert train["day"] in DAYS
    seats = Counter(train["seats_left"] == 0 for train in TABLES["trains"].values())
    assert 10 < seats[True] < 50
