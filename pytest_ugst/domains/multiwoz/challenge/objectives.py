"""Task objectives drawn from database entities: step 1 of the pipeline.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", appendix B, step 1. An entity is picked;
some of its fields become requirements or preferences, others facts that the user wants to know. Impossible objectives
ask for what no entity satisfies; conditional ones switch to an alternative under a condition on the first thing found.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pytest_ugst.domains.multiwoz.challenge.splits import Split, SplitDatabase, known, searched, split_of
from pytest_ugst.domains.multiwoz.clock import DAYS, clock, minutes
from pytest_ugst.domains.multiwoz.database import Record, arrival

Kind = Literal["normal", "impossible", "conditional"]
Slots = dict[str, Any]

FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("phone", "address", "postcode", "price", "area"),
    "hotel": ("phone", "address", "postcode", "price", "area", "stars"),
    "attraction": ("phone", "address", "postcode", "entry_fee", "area"),
    "train": ("departs", "arrives", "minutes", "price"),
}
"""Facts that a user may want to know, by kind of record."""
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("area", "cuisine", "price"),
    "hotel": ("area", "kind", "price", "stars", "parking", "wifi"),
    "attraction": ("area", "kind", "free_entry"),
}
"""Fields that places are searched by, by kind of place."""
ABSENT_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "cuisine": ("brazilian", "ethiopian", "greek", "polish", "persian", "swiss", "moroccan", "danish"),
    "kind": ("castle", "aquarium", "zoo", "casino", "ice rink", "planetarium"),
}
"""Values that no record of the data has, by field."""
UNSPOKEN_KINDS: Final = frozenset({"architecture", "entertainment"})
"""Kinds of attractions that no visitor asks for by these words."""
MOST_FOUND: Final = 6
"""Most places or trains that a search may find; any of them fulfils the objective."""
_TRIES: Final = 400
_CONTACT: Final = frozenset({"phone", "address", "postcode"})


class NoObjectiveError(Exception):
    """Failure to draw an objective from this split of the database."""


@dataclass(frozen=True, slots=True)
class ObjectiveSpec:
    """A task objective before it is put into words."""

    what: str
    """``restaurant``, ``hotel``, ``attraction`` or ``train``."""
    intent: Literal["find", "book"]
    kind: Kind
    want: Slots = field(default_factory=dict)
    """Constraints on the place or train: requirements."""
    wish: Slots = field(default_factory=dict)
    """Constraints that need not be met: preferences."""
    ask: tuple[str, ...] = ()
    """Facts that the user wants to know of it."""
    terms: Slots = field(default_factory=dict)
    """Terms of the booking: people, day, time, nights."""
    found: tuple[Record, ...] = ()
    """All records that a search by ``want`` finds; empty for an impossible objective."""
    condition: Slots = field(default_factory=dict)
    """Condition under which the user switches to ``other``: a ``fact`` that is ``above`` or ``below`` or ``is``
    something, or ``none`` (nothing is found), or ``full`` (no room on the day)."""
    other: ObjectiveSpec | None = None
    """The alternative of a conditional objective."""
    taken: bool = False
    """True if the condition holds, so that the user has to switch to ``other``."""

    @property
    def effective(self) -> ObjectiveSpec:
        """The objective of the branch that the database decides: the alternative where it is taken, else this one."""
        return self.other if self.other is not None and self.taken else self

    def parts(self) -> Iterator[ObjectiveSpec]:
        """Yield this objective, and the alternative if there is one."""
        yield self
        if self.other is not None:
            yield self.other

    def tags(self) -> frozenset[str]:
        """Return the tags that profiles and policies may be in conflict with, or need."""
        action = "finds" if self.intent == "find" else "tries-to-book" if self.kind == "impossible" else "books"
        tags = {self.what, self.kind, action}
        for part in self.parts():
            wanted = {**part.want, **part.wish}
            tags |= {str(wanted[name]) for name in ("price", "cuisine", "kind") if name in wanted}
            tags |= {name for name in ("parking", "wifi") if wanted.get(name)}
            tags |= {f"asks-{fact}" for fact in part.ask} | ({"asks-contact"} if _CONTACT & {*part.ask} else set())
            tags |= {"priced"} if {"price", "entry_fee"} & {*part.ask} else set()
            tags |= {"dated"} if "day" in {**wanted, **part.terms} else set()
            times = [{**wanted, **part.terms}.get(name) for name in ("time", "leave_after", "arrive_by")]
            tags |= {"timed"} if any(times) else set()
            tags |= {"early"} if any(time and time < "10:00" for time in times) else set()
            tags |= {"late"} if any(time and time > "20:30" for time in times) else set()
            if "people" in part.terms:
                tags.add("solo" if part.terms["people"] == 1 else "group")
            if "name" in part.want:
                tags |= {str(part.found[0].get(name)) for name in ("kind", "cuisine", "price") if part.found}
        return frozenset(tags)

    def signature(self) -> str:
        """Return a text that differs between objectives that ask for different things."""
        other = self.other.signature() if self.other is not None else ""
        return searched(self.what, {"want": self.want, "wish": self.wish, "ask": self.ask, "terms": self.terms}) + other


class ObjectiveSampler:
    """Sampler of objectives from one split of the database."""

    def __init__(self, database: SplitDatabase, split: Split, rng: random.Random, party: Sequence[int] = ()) -> None:
        """Make a sampler for one goal.

        Args:
            database: The database.
            split: The split to draw from.
            rng: The source of randomness.
            party: Numbers of people that a booking may be for; any reasonable number if empty.
        """
        self.database = database
        self.split = split
        self.rng = rng
        self._people = self.rng.choice(list(party)) if party else self.rng.choice((1, 1, 2, 2, 3, 4, 5, 6))
        self._day = self.rng.choice(DAYS)

    def normal(self, what: str) -> ObjectiveSpec:
        """Draw an objective that can be fulfilled.

        Raises:
            NoObjectiveError: If none is found in a bounded number of tries.
        """
        for _ in range(_TRIES):
            want, wish = self._train() if what == "train" else self._place(what)
            found = self.database.search(what, want)
            if not 1 <= len(found) <= MOST_FOUND or not self.database.within(what, found, self.split):
                continue
            return self._completed(what, "normal", want, wish, tuple(found))
        raise NoObjectiveError(what)

    def impossible(self, what: str) -> ObjectiveSpec:
        """Draw an objective that nothing in the undivided database satisfies.

        Raises:
            NoObjectiveError: If none is found in a bounded number of tries.
        """
        for _ in range(_TRIES):
            want = self._no_train() if what == "train" else self._no_place(what)
            if want is None or self.database.search(what, want) or split_of(searched(what, want)) != self.split:
                continue
            return self._completed(what, "impossible", want, self._unmet_wish(what, want), ())
        raise NoObjectiveError(what)

    def _completed(self, what: str, kind: Kind, want: Slots, wish: Slots, found: tuple[Record, ...]) -> ObjectiveSpec:
        """Return the objective with an intent, terms of the booking, and facts to ask for."""
        chance = {"restaurant": 0.6, "hotel": 0.6, "train": 0.7, "attraction": 0.0}[what]
        intent: Literal["find", "book"] = "book" if self.rng.random() < chance else "find"
        terms = self.terms(what) if intent == "book" else {}
        count = self.rng.choice((1, 1, 2, 2, 3)) if intent == "find" else self.rng.choice((0, 0, 1))
        return ObjectiveSpec(
            what, intent, kind, want, wish, self.asks(what, {**want, **wish}, found, count), terms, found
        )

    def asks(self, what: str, given: Slots, found: Sequence[Record], count: int) -> tuple[str, ...]:
        """Draw facts to ask for.

        Args:
            what: The kind of record.
            given: Constraints that the user names; a fact among them is not asked for.
            found: Records of which the facts must be known.
            count: Most facts to draw.

        Returns:
            Facts in a fixed order.
        """
        free = [f for f in FACTS[what] if f not in given and (not found or known(found, f))]
        if "free_entry" in given and "entry_fee" in free:
            free.remove("entry_fee")
        chosen = set(self.rng.sample(free, min(count, len(free))))
        return tuple(fact for fact in FACTS[what] if fact in chosen)

    def terms(self, what: str) -> Slots:
        """Draw the terms of a booking. Bookings of one goal are for the same people, and often for the same day."""
        day = self._day if self.rng.random() < 0.7 else self.rng.choice(DAYS)
        if what == "restaurant":
            time = clock(self.rng.randrange(12 * 60, 20 * 60 + 31, 15))
            return {"people": self._people, "day": day, "time": time}
        if what == "hotel":
            return {"people": min(self._people, 8), "day": day, "nights": self.rng.choice((1, 2, 2, 3, 4, 5))}
        return {"people": self._people}

    def _place(self, what: str) -> tuple[Slots, Slots]:
        """Draw requirements and preferences that an entity fulfils."""
        entity = self.rng.choice(self.database.part(what, self.split))
        if self.rng.random() < 0.15:
            return {"name": entity["name"]}, {}
        fields = self.spoken(what, entity)
        self.rng.shuffle(fields)
        most = 4 if what == "hotel" else 3
        want = {name: value_of(entity, name) for name in fields[: self.rng.randint(1 + (len(fields) > 1), most)]}
        rest = [name for name in fields if name not in want]
        wish: Slots = {}
        if len(want) > 1 and self.rng.random() < 0.7:
            given_up = self.rng.choice(sorted(want))
            if given_up not in ("kind", "cuisine") or what == "hotel":
                wish[given_up] = want.pop(given_up)
        if rest and self.rng.random() < (0.25 if wish else 0.8):
            wish[rest[0]] = value_of(entity, rest[0])
        return in_order(what, want), wish

    def spoken(self, what: str, entity: Record) -> list[str]:
        """Return the fields of an entity that a user could name."""
        fields = []
        for name in FIELDS[what]:
            value = value_of(entity, name)
            if value is None or value is False or value == 0 or value in UNSPOKEN_KINDS:
                continue
            fields.append(name)
        return fields

    def _train(self) -> tuple[Slots, Slots]:
        """Draw requirements and preferences that a train fulfils."""
        train = self.rng.choice(self.database.part("train", self.split))
        want = {name: train[name] for name in ("origin", "destination", "day")}
        after = clock(minutes(train["departs"]) // 15 * 15)
        by = -(-arrival(train) // 15) * 15
        style = self.rng.choice(("after", "by", "both", "wish", "wish"))
        if style != "by":
            want["leave_after"] = after
        if by < 24 * 60 and style in ("by", "both"):
            want["arrive_by"] = clock(by)
        wish = {"arrive_by": clock(by)} if style == "wish" and by < 24 * 60 else {}
        return want, wish

    def _no_place(self, what: str) -> Slots:
        """Draw constraints that few places fulfil, perhaps none."""
        names = list(FIELDS[what])
        self.rng.shuffle(names)
        want: Slots = {}
        for name in names[: self.rng.randint(2, 3)]:
            if name in ("parking", "wifi", "free_entry"):
                want[name] = True
            elif name == "stars":
                want[name] = self.rng.choice((2, 3, 4, 5))
            elif self.rng.random() < 0.25 and name in ABSENT_VALUES and what != "hotel":
                want[name] = self.rng.choice(ABSENT_VALUES[name])
            else:
                want[name] = self.rng.choice([v for v in self.database.values(what, name) if v not in UNSPOKEN_KINDS])
        if what == "attraction" and "kind" not in want:
            want["kind"] = self.rng.choice(ABSENT_VALUES["kind"])
        return in_order(what, want)

    def _unmet_wish(self, what: str, want: Slots) -> Slots:
        """Draw a preference for an impossible objective: the user does not know that nothing will be found."""
        if what == "train" or self.rng.random() < 0.4:
            return {}
        name = self.rng.choice([name for name in FIELDS[what] if name not in want and name != "kind"] or [""])
        if name in ("parking", "wifi", "free_entry"):
            return {name: True}
        if name == "stars":
            return {name: self.rng.choice((3, 4))}
        return {name: self.rng.choice([v for v in self.database.values(what, name) if v != "free"])} if name else {}

    def _no_train(self) -> Slots | None:
        """Draw constraints that no train fulfils; None if this attempt failed."""
        train = self.rng.choice(self.database.trains)
        if self.rng.random() < 0.4:
            # Every train starts or ends in Cambridge.
            outside = [city for city in self.database.undivided.cities if city != "Cambridge"]
            origin, destination = self.rng.sample(outside, 2)
            return {"origin": origin, "destination": destination, "day": train["day"]}
        ride = train["minutes"]
        if ride < 40:
            return None
        leave = minutes(train["departs"]) // 15 * 15
        by = leave + ride - self.rng.choice((15, 20, 25))
        if by >= 24 * 60 or by <= leave + 10:
            return None
        want = {name: train[name] for name in ("origin", "destination", "day")}
        return {**want, "leave_after": clock(leave), "arrive_by": clock(by // 5 * 5)}


def value_of(entity: Record, name: str) -> Any:
    """Return the value of a field by which a search finds the entity; None where it is not known."""
    if name == "free_entry":
        return entity["entry_fee"] == "free" or None
    value = entity[name]
    return None if value == "unknown" or (name == "price" and value == "free") else value


def in_order(what: str, want: Slots) -> Slots:
    """Return the constraints in the order of :data:`FIELDS`, the name first."""
    return {name: want[name] for name in ("name", *FIELDS[what]) if name in want}
