"""Which part of the database each split may use: goals for training share no place and no train with the test set.

Records fall into cells (an Indian restaurant in the west, a train between Ely and Cambridge on a Monday), and each cell
belongs to one part, whatever seed the goals are made from. A search is only ever asked for if everything it can find is
in the goal's own part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Literal

from pytest_ugst.domains.multiwoz.spelling import UNKNOWN
from pytest_ugst.domains.multiwoz.town import Record, Town

Split = Literal["test", "train"]
SPLITS: Final[tuple[Split, ...]] = ("test", "train")
TEST_SHARE: Final = 0.4
"""Of the records of each kind, and of the combinations of profile and policies."""
CELLS: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("cuisine", "area"),
    "hotel": ("area", "price"),
    "attraction": ("kind", "area"),
}
KINDS: Final = ("restaurant", "hotel", "attraction", "train")
"""What a task objective can be about."""
_AMBIGUOUS: Final = frozenset({"The Place", "The Junction"})
"""Names that can't be told from other words."""


def draw(*parts: str) -> float:
    """A number from 0 up to 1 that only depends on the words."""
    return int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:7], "big") / 2**56


def split_of(*parts: str) -> Split:
    """The split that something belongs to which is no record."""
    return "test" if draw(*parts) < TEST_SHARE else "train"


def cell(what: str, record: Mapping[str, Any]) -> str:
    """The cell of a record."""
    if what == "train":
        return "|".join(["train", *sorted((record["origin"], record["destination"])), record["day"]])
    return "|".join([what, *(str(record[name]) for name in CELLS[what])])


class World:
    """The town, divided."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._parts: dict[tuple[str, Split], list[Record]] = {}

    @cached_property
    def trains(self) -> tuple[Record, ...]:
        """All trains."""
        days = self.town.trains.values()
        return tuple(train for routes in days for trains in routes.values() for train in trains)

    @cached_property
    def _cells(self) -> Mapping[str, Split]:
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
        """All records of a kind."""
        return self.trains if what == "train" else self.town.places[what]

    def part(self, what: str, split: Split) -> list[Record]:
        """The records of a kind that belong to a split, and whose name can be recognized."""
        if (what, split) not in self._parts:
            self._parts[what, split] = [r for r in self.records(what) if self.within(what, [r], split)]
        return self._parts[what, split]

    def search(self, what: str, wanted: Mapping[str, Any]) -> list[Record]:
        """What a search finds."""
        return self.town.search_trains(wanted) if what == "train" else self.town.search(what, wanted)

    def within(self, what: str, found: Iterable[Record], split: Split) -> bool:
        """Whether all of these belong to the split and can be told apart from other words."""
        return all(
            self._cells[cell(what, record)] == split and record.get("name") not in _AMBIGUOUS for record in found
        )

    def values(self, what: str, name: str) -> list[Any]:
        """The values a field has anywhere, without the unknown one."""
        return sorted({record[name] for record in self.records(what)} - {UNKNOWN})


def searched(what: str, wanted: Mapping[str, Any]) -> str:
    """A search as text, always the same."""
    return f"{what}|{json.dumps(dict(wanted), sort_keys=True)}"


def known(records: Sequence[Record], fact: str) -> bool:
    """Whether a fact is known of each record."""
    return bool(records) and all(record.get(fact, UNKNOWN) != UNKNOWN for record in records)
