"""The domain's data files, read once per process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from pytest_ugst.domains.overlay import BaseTables

PLACE_TABLES = ("restaurants", "hotels", "attractions")
TABLES = (*PLACE_TABLES, "trains")


def place_key(name: str) -> str:
    """Return the key that a place is looked up by: case, spaces and a leading "the" make no difference."""
    key = " ".join(name.lower().split())
    return key.removeprefix("the ")


@cache
def base() -> BaseTables:
    """Return all tables: places by the key of their name, trains by their id, and an empty table of bookings."""
    tables: dict[str, dict[str, Any]] = {"bookings": {}}
    folder = resources.files(__package__) / "data"
    for table in TABLES:
        records = json.loads((folder / f"{table}.json").read_text(encoding="utf-8"))
        tables[table] = {r["id"] if table == "trains" else place_key(r["name"]): r for r in records}
    return BaseTables(tables)


def places() -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over all places of the base, each with the name of its table."""
    for table in PLACE_TABLES:
        for record in base().tables[table].values():
            yield table, record
