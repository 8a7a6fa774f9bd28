"""The tools of the concierge domain."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pytest_ugst.domains.concierge.clock import DAYS, Day, Time
from pytest_ugst.domains.concierge.data import PLACE_TABLES, place_key
from pytest_ugst.domains.overlay import Overlay, Record, SessionTable
from pytest_ugst.domains.toolbox import ToolError, tool

Area = Literal["north", "south", "east", "west", "centre"]
Price = Literal["cheap", "moderate", "expensive"]

MAX_RESULTS = 5
MAX_PEOPLE = {"restaurant": 12, "hotel": 8, "attraction": 30}
MAX_NIGHTS = 14

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without those that look alike
_NOT_IN_A_LIST = frozenset({"id", "address", "postcode", "phone", "opens", "closes", "full"})


class ConciergeTools:
    """The tools of one session.

    The docstrings of the tools are the descriptions that a model sees.
    """

    def __init__(self, db: Overlay, seed: int) -> None:
        """Make the tools of one session.

        Args:
            db: The session's view of the data.
            seed: Seed of the references of new bookings.
        """
        self._db = db
        self._seed = seed
        self._references = 0  # number of references drawn so far

    @tool
    def search_restaurants(
        self,
        area: Area | None = None,
        cuisine: str | None = None,
        price: Price | None = None,
        outdoor_seating: bool | None = None,
    ) -> dict[str, Any]:
        """Search the restaurants of Quillhaven. Leave out what does not matter to the customer.

        Args:
            area: Part of town.
            cuisine: Kind of food, such as italian, seafood or vegetarian.
            price: Price range.
            outdoor_seating: Whether guests can sit outside.
        """
        found = _where(
            self._db["restaurants"], area=area, cuisine=cuisine, price=price, outdoor_seating=outdoor_seating
        )
        return _listing(found)

    @tool
    def search_hotels(
        self,
        area: Area | None = None,
        kind: Literal["hotel", "guesthouse", "hostel"] | None = None,
        price: Price | None = None,
        stars: int | None = None,
        parking: bool | None = None,
        wifi: bool | None = None,
        breakfast: bool | None = None,
    ) -> dict[str, Any]:
        """Search places to stay in Quillhaven. Leave out what does not matter to the customer.

        Args:
            area: Part of town.
            kind: Kind of house.
            price: Price range.
            stars: Exactly this many stars, 1 to 5.
            parking: Whether there is parking.
            wifi: Whether there is wifi.
            breakfast: Whether breakfast is included.
        """
        found = _where(
            self._db["hotels"],
            area=area,
            kind=kind,
            price=price,
            stars=stars,
            parking=parking,
            wifi=wifi,
            breakfast=breakfast,
        )
        return _listing(found)

    @tool
    def search_attractions(
        self, area: Area | None = None, kind: str | None = None, free_entry: bool | None = None
    ) -> dict[str, Any]:
        """Search museums, parks, theatres and other sights of Quillhaven. Leave out what does not matter.

        Args:
            area: Part of town.
            kind: museum, park, theatre, gallery, boat tour, garden, castle, cinema, market, nightclub, swimming pool
                or tower.
            free_entry: Whether entry is free.
        """
        found = _where(self._db["attractions"], area=area, kind=kind)
        if free_entry is not None:
            found = (record for record in found if (record["entry_fee"] == "free") is free_entry)
        return _listing(found)

    @tool
    def search_trains(
        self,
        origin: str | None = None,
        destination: str | None = None,
        day: Day | None = None,
        leave_after: Time | None = None,
        arrive_by: Time | None = None,
    ) -> dict[str, Any]:
        """Search trains from and to Quillhaven. The earliest come first.

        Args:
            origin: City the train leaves from.
            destination: City it goes to.
            day: Day of the week.
            leave_after: It leaves at this time or later, HH:MM.
            arrive_by: It arrives at this time or earlier, HH:MM.
        """
        found = [
            train
            for train in _where(self._db["trains"], origin=origin, destination=destination, day=day)
            if (leave_after is None or train["departs"] >= leave_after)
            and (arrive_by is None or train["arrives"] <= arrive_by)
        ]
        found.sort(key=lambda train: (DAYS.index(train["day"]), train["departs"], train["id"]))
        return {"count": len(found), "results": [dict(train) for train in found[:MAX_RESULTS]]}

    @tool
    def get_details(self, name: str) -> dict[str, Any]:
        """Everything that is known of one place or one train: address, phone, hours, prices, days it is fully booked.

        Args:
            name: Exact name of a restaurant, hotel or attraction, or the id of a train.
        """
        train = self._db["trains"].get(name.strip().upper())
        return dict(train if train is not None else self._place(name)[1])

    @tool
    def book_restaurant(self, name: str, day: Day, time: Time, people: int) -> dict[str, Any]:
        """Book a table. Only after the customer has said that they want it.

        Args:
            name: Exact name of the restaurant.
            day: Day of the week.
            time: Time of arrival, HH:MM.
            people: How many come.
        """
        record = self._place_in(name, "restaurants")
        return self._book({"kind": "restaurant", "name": record["name"], "day": day, "time": time, "people": people})

    @tool
    def book_hotel(self, name: str, day: Day, nights: int, people: int) -> dict[str, Any]:
        """Book a stay. Only after the customer has said that they want it.

        Args:
            name: Exact name of the hotel, guesthouse or hostel.
            day: Day of arrival.
            nights: How many nights.
            people: How many stay.
        """
        record = self._place_in(name, "hotels")
        return self._book({"kind": "hotel", "name": record["name"], "day": day, "nights": nights, "people": people})

    @tool
    def book_train(self, train_id: str, people: int) -> dict[str, Any]:
        """Book seats on a train. Only after the customer has said that they want it.

        Args:
            train_id: The train's id, such as TR1013.
            people: How many seats.
        """
        return self._book({"kind": "train", "train_id": self._train(train_id)["id"], "people": people})

    @tool
    def book_attraction(self, name: str, day: Day, people: int) -> dict[str, Any]:
        """Book tickets for a museum, theatre or other sight. Only after the customer has said that they want it.

        Args:
            name: Exact name of the attraction.
            day: Day of the visit.
            people: How many come.
        """
        record = self._place_in(name, "attractions")
        return self._book({"kind": "attraction", "name": record["name"], "day": day, "people": people})

    @tool
    def find_booking(self, reference: str) -> dict[str, Any]:
        """Look up a booking.

        Args:
            reference: The booking's reference, such as CQ-7F3K2.
        """
        return self._shown(self._booking(reference))

    @tool
    def change_booking(
        self,
        reference: str,
        day: Day | None = None,
        time: Time | None = None,
        people: int | None = None,
        nights: int | None = None,
    ) -> dict[str, Any]:
        """Change a booking; name only what becomes different. The reference stays the same.

        Args:
            reference: The booking's reference.
            day: The new day. Not for trains: cancel and book another one.
            time: The new time, for restaurants.
            people: The new number of people.
            nights: The new number of nights, for hotels.
        """
        old = self._booking(reference)
        given = {"day": day, "time": time, "people": people, "nights": nights}
        changes = {key: value for key, value in given.items() if value is not None}
        if not changes:
            raise ToolError("nothing to change: name a day, time, number of people or number of nights.")
        for key in changes:
            if key not in old:
                hint = "; cancel it and book another train" if old["kind"] == "train" else ""
                raise ToolError(f"a {old['kind']} booking has no {key} to change{hint}.")
        new = {**old, **changes}
        self._check(new, old)
        if old["kind"] == "train":
            self._db["trains"].edit(old["train_id"])["seats_left"] += old["people"] - new["people"]
        self._db["bookings"].edit(old["reference"]).update(changes)
        return self._shown(new)

    @tool
    def cancel_booking(self, reference: str) -> dict[str, Any]:
        """Cancel a booking. Only after the customer has said that they want it cancelled.

        Args:
            reference: The booking's reference.
        """
        old = self._shown(self._booking(reference))
        if old["kind"] == "train":
            self._db["trains"].edit(old["train_id"])["seats_left"] += old["people"]
        self._db["bookings"].remove(old["reference"])
        return {"cancelled": old["reference"], **{key: value for key, value in old.items() if key != "reference"}}

    def _place(self, name: str) -> tuple[str, Mapping[str, Any]]:
        """Return a place's table and record."""
        key = place_key(name)
        for table in PLACE_TABLES:
            record = self._db[table].get(key)
            if record is not None:
                return table, record
        raise ToolError(f"no such place in Quillhaven: {name[:80]!r}. Search for the exact name.")

    def _place_in(self, name: str, wanted: str) -> Mapping[str, Any]:
        """Return a place's record, if it is in the table ``wanted``."""
        table, record = self._place(name)
        if table != wanted:
            raise ToolError(f"no such place among the {wanted}: {record['name']} is one of the {table}.")
        return record

    def _train(self, train_id: str) -> Mapping[str, Any]:
        train = self._db["trains"].get(train_id.strip().upper())
        if train is None:
            raise ToolError(f"no such train: {train_id[:80]!r}. Search for its id.")
        return train

    def _booking(self, reference: str) -> Mapping[str, Any]:
        booking = self._db["bookings"].get(reference.strip().upper())
        if booking is None:
            raise ToolError(f"no booking has the reference {reference[:80]!r}.")
        return booking

    def _book(self, booking: Record) -> dict[str, Any]:
        self._check(booking)
        if booking["kind"] == "train":
            self._db["trains"].edit(booking["train_id"])["seats_left"] -= booking["people"]
        booking = {"reference": self._new_reference(), **booking}
        self._db["bookings"].add(booking["reference"], booking)
        return self._shown(booking)

    def _check(self, booking: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> None:
        """Refuse a booking that is not possible: closed, full, or too many people.

        Args:
            booking: The booking.
            old: The booking that it takes the place of.
        """
        kind, people = booking["kind"], booking["people"]
        if people < 1:
            raise ToolError("a booking is for at least 1 person.")
        if kind == "train":
            held = old["people"] if old else 0
            return self._check_train(self._train(booking["train_id"]), people, held)
        record = self._place_in(booking["name"], f"{kind}s")
        name, day = record["name"], booking["day"]
        if people > MAX_PEOPLE[kind]:
            raise ToolError(f"the party is too large: {name} takes bookings for at most {MAX_PEOPLE[kind]} people.")
        if "nights" in booking and not 1 <= booking["nights"] <= MAX_NIGHTS:
            raise ToolError(f"a stay is 1 to {MAX_NIGHTS} nights.")
        if "time" in booking and not record["opens"] <= booking["time"] < record["closes"]:
            hours = f"{record['opens']} to {record['closes']}"
            raise ToolError(f"{name} is closed at {booking['time']}; it is open from {hours}.")
        if day in record["full"] and not (old and old["day"] == day):
            free = [d for d in DAYS if d not in record["full"]]
            raise ToolError(f"{name} is fully booked on {day}; free days: {', '.join(free) or 'none this week'}.")
        return None

    def _check_train(self, train: Mapping[str, Any], people: int, held: int) -> None:
        left = train["seats_left"] + held
        if left == 0:
            raise ToolError(f"{train['id']} is fully booked; search for another train.")
        if people > left:
            raise ToolError(f"the party is too large: {train['id']} has {left} seats left.")

    def _shown(self, booking: Mapping[str, Any]) -> dict[str, Any]:
        """Return a booking as the agent gets to read it; for trains with the details of the ticket."""
        shown = dict(booking)
        if booking["kind"] == "train":
            train = self._train(booking["train_id"])
            shown |= {key: train[key] for key in ("origin", "destination", "day", "departs", "arrives")}
            shown["total"] = train["price"] * booking["people"]
        return shown

    def _new_reference(self) -> str:
        """Return the session's next reference, the same for the same seed."""
        while True:
            self._references += 1
            letters = random.Random(f"{self._seed}:{self._references}").choices(_LETTERS, k=5)  # noqa: S311
            reference = f"CQ-{''.join(letters)}"
            if reference not in self._db["bookings"]:
                return reference


def _where(table: SessionTable, **wanted: Any) -> Iterator[Mapping[str, Any]]:
    """Return the records that match all constraints that are not None, without regard to case."""
    tests = [(key, _folded(value)) for key, value in wanted.items() if value is not None]
    return (record for record in table.values() if all(_folded(record[key]) == value for key, value in tests))


def _folded(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _listing(found: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    records = list(found)
    short = [
        {key: value for key, value in record.items() if key not in _NOT_IN_A_LIST} for record in records[:MAX_RESULTS]
    ]
    return {"count": len(records), "results": short}
