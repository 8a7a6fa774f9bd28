"""The tools of the domain ``multiwoz``. Names and arguments are those of the concierge domain."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from pytest_ugst.domains.multiwoz.bookings import Availability, drawn_letters, reference
from pytest_ugst.domains.multiwoz.clock import Day, Time
from pytest_ugst.domains.multiwoz.database import MultiwozDatabase, Record
from pytest_ugst.domains.multiwoz.spelling import key
from pytest_ugst.domains.overlay import Overlay
from pytest_ugst.domains.toolbox import ToolError, tool

Area = Literal["north", "south", "east", "west", "centre"]
Price = Literal["cheap", "moderate", "expensive"]

MAX_RESULTS = 5
MAX_PEOPLE = {"restaurant": 12, "hotel": 8, "train": 15}
MAX_NIGHTS = 14

_NOT_IN_A_LIST = frozenset(
    {"address", "postcode", "phone", "about", "speciality", "opening_hours", "rates", "takes_bookings"}
)


class MultiwozTools:
    """The tools of one session.

    The docstrings of the tools are the descriptions that a model sees.
    """

    def __init__(self, database: MultiwozDatabase, overlay: Overlay, availability: Availability) -> None:
        """Make the tools of one session.

        Args:
            database: Places and trains, shared by all sessions.
            overlay: The session's view of its bookings.
            availability: What is fully booked in this session.
        """
        self._database = database
        self._overlay = overlay
        self._availability = availability

    @tool
    def search_restaurants(
        self, area: Area | None = None, cuisine: str | None = None, price: Price | None = None
    ) -> dict[str, Any]:
        """Search the restaurants of Cambridge. Leave out what does not matter to the customer.

        Args:
            area: Part of town.
            cuisine: Kind of food, such as indian, modern european or gastropub.
            price: Price range.
        """
        return _listing(self._database.search("restaurant", {"area": area, "cuisine": cuisine, "price": price}))

    @tool
    def search_hotels(
        self,
        area: Area | None = None,
        kind: Literal["hotel", "guesthouse"] | None = None,
        price: Price | None = None,
        stars: int | None = None,
        parking: bool | None = None,
        wifi: bool | None = None,
    ) -> dict[str, Any]:
        """Search places to stay in Cambridge. Leave out what does not matter to the customer.

        Args:
            area: Part of town.
            kind: Kind of house.
            price: Price range.
            stars: Exactly this many stars, 0 to 5.
            parking: Whether there is free parking.
            wifi: Whether there is free wifi.
        """
        wanted = {"area": area, "kind": kind, "price": price, "stars": stars, "parking": parking, "wifi": wifi}
        return _listing(self._database.search("hotel", wanted))

    @tool
    def search_attractions(
        self, area: Area | None = None, kind: str | None = None, free_entry: bool | None = None
    ) -> dict[str, Any]:
        """Search museums, colleges, parks and other sights of Cambridge. Leave out what does not matter.

        Args:
            area: Part of town.
            kind: architecture, boat tour, cinema, college, concert hall, entertainment, museum, nightclub, park, sports
                centre, swimming pool or theatre.
            free_entry: Whether entry is free.
        """
        return _listing(self._database.search("attraction", {"area": area, "kind": kind, "free_entry": free_entry}))

    @tool
    def search_trains(
        self,
        origin: str | None = None,
        destination: str | None = None,
        day: Day | None = None,
        leave_after: Time | None = None,
        arrive_by: Time | None = None,
    ) -> dict[str, Any]:
        """Search trains from and to Cambridge. The earliest come first.

        Args:
            origin: Station the train leaves from.
            destination: Station it goes to.
            day: Day of the week.
            leave_after: It leaves at this time or later, HH:MM.
            arrive_by: It arrives at this time or earlier on the same day, HH:MM.
        """
        wanted = {"origin": origin, "destination": destination, "day": day}
        found = self._database.search_trains({**wanted, "leave_after": leave_after, "arrive_by": arrive_by})
        listing: dict[str, Any] = {"count": len(found), "results": [dict(train) for train in found[:MAX_RESULTS]]}
        unknown = [word for word in (origin, destination) if word is not None and not self._database.stations(word)]
        if unknown:
            listing["note"] = f"no trains to or from {unknown[0][:80]}; stations: {', '.join(self._database.cities)}"
        return listing

    @tool
    def get_details(self, name: str) -> dict[str, Any]:
        """Everything that is known of one place: address, postcode, phone, hours, prices.

        Args:
            name: Exact name of a restaurant, hotel or attraction.
        """
        return dict(self._place(name)[1])

    @tool
    def book_restaurant(self, name: str, day: Day, time: Time, people: int) -> dict[str, Any]:
        """Book a table. Only after the customer has said that they want it.

        Args:
            name: Exact name of the restaurant.
            day: Day of the week.
            time: Time of arrival, HH:MM.
            people: How many come.
        """
        place = self._place_in(name, "restaurant")["name"]
        self._check_people("restaurant", people)
        self._check_room("restaurant", place, key(place), day, time)
        return self._book({"kind": "restaurant", "name": place, "day": day, "time": time, "people": people})

    @tool
    def book_hotel(self, name: str, day: Day, nights: int, people: int) -> dict[str, Any]:
        """Book a stay. Only after the customer has said that they want it.

        Args:
            name: Exact name of the hotel or guesthouse.
            day: Day of arrival.
            nights: How many nights.
            people: How many stay.
        """
        record = self._place_in(name, "hotel")
        if not record["takes_bookings"]:
            raise ToolError(f"{record['name']} takes no bookings.")
        self._check_people("hotel", people)
        if not 1 <= nights <= MAX_NIGHTS:
            raise ToolError(f"a stay is 1 to {MAX_NIGHTS} nights.")
        place = record["name"]
        self._check_room("hotel", place, key(place), day)
        return self._book({"kind": "hotel", "name": place, "day": day, "nights": nights, "people": people})

    @tool
    def book_train(
        self, train_id: str, day: Day, people: int, departs: Time | None = None, origin: str | None = None
    ) -> dict[str, Any]:
        """Book seats on a train. Only after the customer has said that they want it.

        Args:
            train_id: The train's id, such as TR7075.
            day: Day of the week.
            people: How many seats.
            departs: When it leaves, HH:MM. Only needed where several trains of that day have the same id.
            origin: Where it leaves from. Only needed where several trains of that day have the same id.
        """
        train = self._train(train_id, day, departs, origin)
        self._check_people("train", people)
        self._check_room("train", f"train {train['id']}", train["id"], day, train["departs"])
        total = Decimal(train["price"].split()[0]) * people
        ticket = {name: train[name] for name in ("origin", "destination", "day", "departs", "arrives")}
        return self._book(
            {"kind": "train", "train_id": train["id"], **ticket, "people": people, "total": f"{total} pounds"}
        )

    @tool
    def find_booking(self, reference: str) -> dict[str, Any]:
        """Look up a booking of this customer.

        Args:
            reference: The booking's reference, such as MW-7F3K2.
        """
        return dict(self._booking(reference))

    @tool
    def cancel_booking(self, reference: str) -> dict[str, Any]:
        """Cancel a booking. Only after the customer has said that they want it cancelled.

        Args:
            reference: The booking's reference.
        """
        old = dict(self._booking(reference))
        self._overlay["bookings"].remove(old["reference"])
        return {"cancelled": old.pop("reference"), **old}

    @tool
    def find_taxi(
        self, origin: str, destination: str, leave_after: Time | None = None, arrive_by: Time | None = None
    ) -> dict[str, Any]:
        """Find a taxi in Cambridge: what car comes, and the driver's phone number.

        Args:
            origin: Where it picks the customer up.
            destination: Where it goes.
            leave_after: When to leave, HH:MM.
            arrive_by: When to be there, HH:MM.
        """
        if leave_after is None and arrive_by is None:
            raise ToolError("a taxi needs a time: leave_after or arrive_by.")
        if key(origin) == key(destination):
            raise ToolError("origin and destination of the taxi are the same.")
        cars = self._database.services["taxi"][0]
        ride = f"{self._availability.seed}|taxi|{key(origin)}|{key(destination)}|{leave_after}|{arrive_by}"
        colour, make = (_pick(f"{ride}|{field}", cars[field]) for field in ("taxi_colors", "taxi_types"))
        return {"car": f"{colour} {make}", "phone": f"0{drawn_letters(ride, '0123456789', 9)}"}

    @tool
    def find_police(self) -> dict[str, Any]:
        """Name, address and phone number of the police."""
        found = [_without_id(row) for row in self._database.services["police"]]
        return {"count": len(found), "results": found}

    @tool
    def find_hospital(self, department: str | None = None) -> dict[str, Any]:
        """Phone numbers of the hospital's departments.

        Args:
            department: Some words of the department's name; leave it out to get the names of all departments.
        """
        rows = self._database.services["hospital"]
        if department is None:
            names = sorted({row["department"] for row in rows})
            return {"count": len(names), "departments": names}
        words = set(key(department).replace("department", "").split())
        found = [_without_id(row) for row in rows if words and words <= set(key(row["department"]).split())]
        return {"count": len(found), "results": found[:MAX_RESULTS]}

    def _place(self, name: str) -> tuple[str, Record]:
        """Return a place's kind (restaurant, hotel, attraction) and its record."""
        found = self._database.names.get(key(name))
        if found is None:
            near = difflib.get_close_matches(key(name)[:80], self._database.names, n=2, cutoff=0.7)
            hint = f" Did you mean {' or '.join(self._database.names[n][1]['name'] for n in near)}?" if near else ""
            raise ToolError(f"no such place in Cambridge: {name[:80]!r}.{hint or ' Search for the exact name.'}")
        return found

    def _place_in(self, name: str, wanted: str) -> Record:
        what, record = self._place(name)
        if what != wanted:
            article = "an" if what == "attraction" else "a"
            raise ToolError(f"{record['name']} is {article} {what}, not a {wanted}.")
        return record

    def _train(self, train_id: str, day: str, departs: str | None, origin: str | None) -> Record:
        wanted = train_id.strip().upper()
        trains = [
            train
            for (start, _), on_route in self._database.trains[day].items()
            if start in self._database.stations(origin)
            for train in on_route
            if train["id"] == wanted and departs in (None, train["departs"])
        ]
        if not trains:
            raise ToolError(f"no such train on {day}: {train_id[:80]!r}. Search for its id.")
        if len(trains) > 1:
            choices = "; ".join(f"{t['departs']} from {t['origin']} to {t['destination']}" for t in trains)
            raise ToolError(f"{wanted} is the id of {len(trains)} trains on {day}, name departs or origin: {choices}.")
        return trains[0]

    def _booking(self, reference: str) -> Mapping[str, Any]:
        booking = self._overlay["bookings"].get(reference.strip().upper())
        if booking is None:
            raise ToolError(f"no booking has the reference {reference[:80]!r}.")
        return booking

    def _check_people(self, what: str, people: int) -> None:
        if not 1 <= people <= MAX_PEOPLE[what]:
            raise ToolError(f"a {what} booking is for 1 to {MAX_PEOPLE[what]} people.")

    def _check_room(self, what: str, called: str, which: str, day: str, time: str = "") -> None:
        if self._availability.has_room(what, which, day, time):
            return
        when = f"on {day} at {time}" if time else f"on {day}"
        other = {"restaurant": "another time, day or restaurant", "hotel": "another day or hotel"}
        raise ToolError(f"{called} is fully booked {when}; {other.get(what, 'another train')} may have room.")

    def _book(self, booking: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(booking, sort_keys=True)
        again = 0
        while (number := reference(self._availability.seed, content, again)) in self._overlay["bookings"]:
            again += 1
        booked = {"reference": number, **booking}
        self._overlay["bookings"].add(number, booked)
        return booked


def _pick(text: str, choices: Sequence[str]) -> str:
    """Return one of the choices, always the same for the same text."""
    return choices[int(drawn_letters(text, "0123456789", 9)) % len(choices)]


def _without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


def _listing(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    short = [{name: value for name, value in r.items() if name not in _NOT_IN_A_LIST} for r in found[:MAX_RESULTS]]
    return {"count": len(found), "results": short}
