"""The split of the database: goals for training share no place and no train with the test set.

Records fall into cells (an Indian restaurant in the west, a train between Ely and Cambridge on a Monday), and each cell
belongs to one split, whatever seed the goals are made from. A goal only asks for searches that find nothing outside of
its own split.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Literal

from pytest_ugst.domains.multiwoz.database import MultiwozDatabase, Record
from pytest_ugst.domains.multiwoz.spelling import UNKNOWN

Split = Literal["test", "train"]
SPLITS: Final[tuple[Split, ...]] = ("test", "train")
TEST_SHARE: Final = 0.4
"""The test set's share of the records of each kind, and of the combinations of profile and policies."""
CELLS: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("cuisine", "area"),
    "hotel": ("area", "price"),
    "attraction": ("kind", "area"),
}
"""The fields that define the cells of each kind of place; :func:`cell` has those of trains."""
KINDS: Final = ("restaurant", "hotel", "attraction", "train")
"""Kinds of records that a task objective can be about."""
_AMBIGUOUS: Final = frozenset({"The Place", "The Junction"})
"""Names that can't be told apart from ordinary words."""


def draw(*parts: str) -> float:
    """Return a number from 0 up to 1 that depends on the words alone."""
    return int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:7], "big") / 2**56


def split_of(*parts: str) -> Split:
    """Return the split of something that is no record, such as a combination of profile and policies."""
    return "test" if draw(*parts) < TEST_SHARE else "train"


def cell(what: str, record: Mapping[str, Any]) -> str:
    """Return the name of a record's cell."""
    if what == "train":
        return "|".join(["train", *sorted((record["origin"], record["destination"])), record["day"]])
    return "|".join([what, *(str(record[name]) for name in CELLS[what])])


class SplitDatabase:
    """The database, each of whose records belongs to one split."""

    def __init__(self, undivided: MultiwozDatabase) -> None:
        """Prepare to divide a database; the cells are assigned at the first look-up.

        Args:
            undivided: The database as a whole, in which searches look.
        """
        self.undivided = undivided
        self._parts: dict[tuple[str, Split], list[Record]] = {}

    @cached_property
    def trains(self) -> tuple[Record, ...]:
        """The trains of both splits."""
        days = self.undivided.trains.values()
        return tuple(train for routes in days for trains in routes.values() for train in trains)

    @cached_property
    def _cells(self) -> Mapping[str, Split]:
        """The split of each cell."""
        divided: dict[str, Split] = {}
        for what in KINDS:
            sizes: dict[str, int] = {}
            for record in self.records(what):
                sizes[cell(what, record)] = sizes.get(cell(what, record), 0) + 1
            taken = 0
            whole = sum(sizes.values())
            for name in sorted(sizes, key=draw):
                divided[name] = "test" if taken + sizes[name] <= TEST_SHARE * whole else "train"
                taken += sizes[name] if divided[name] == "test" else 0
        return divided

    def records(self, what: str) -> tuple[Record, ...]:
        """Return the records of a kind, of both splits."""
        return self.trains if what == "train" else self.undivided.places[what]

    def part(self, what: str, split: Split) -> list[Record]:
        """Return the records of a kind that belong to a split and whose name can be recognized."""
        if (what, split) not in self._parts:
            self._parts[what, split] = [r for r in self.records(what) if self.within(what, [r], split)]
        return self._parts[what, split]

    def search(self, what: str, wanted: Mapping[str, Any]) -> list[Record]:
        """Return the records that a search finds in the undivided database."""
        return self.undivided.search_trains(wanted) if what == "train" else self.undivided.search(what, wanted)

    def within(self, what: str, found: Iterable[Record], split: Split) -> bool:
        """Return whether all records belong to the split and their names can be told apart from ordinary words."""
        return all(
            self._cells[cell(what, record)] == split and record.get("name") not in _AMBIGUOUS for record in found
        )

    def values(self, what: str, name: str) -> list[Any]:
        """Return the known values of a field in both splits, sorted."""
        return sorted({record[name] for record in self.records(what)} - {UNKNOWN})


def searched(what: str, wanted: Mapping[str, Any]) -> str:
    """Return a canonical text of a search."""
    return f"{what}|{json.dumps(dict(wanted), sort_keys=True)}"


def known(records: Sequence[Record], fact: str) -> bool:
    """Return whether a fact is known of each record; False without records."""
    return bool(records) and all(record.get(fact, UNKNOWN) != UNKNOWN for record in records)
