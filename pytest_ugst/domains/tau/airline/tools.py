"""The tools of the airline domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Literal

from pytest_ugst.domains.overlay import Overlay, Record
from pytest_ugst.domains.tau.airline.search import Routes, bookable, direct, one_stop
from pytest_ugst.domains.tau.airline.types import (
    AIRPORTS,
    NOW,
    Amount,
    Bags,
    Cabin,
    FlightChoice,
    Flights,
    Passengers,
    Payment,
    TripType,
)
from pytest_ugst.domains.tau.tools import TauTools, ThinkTool
from pytest_ugst.domains.toolbox import ToolError, tool

INSURANCE = 30
"""Price of the insurance in dollars per passenger."""
EXTRA_BAG = 50
"""Price in dollars per bag beyond the free ones."""

_FIRST_CERTIFICATE = 3221322
_UPSTREAM_MOST = 3
"""Number of bookings, and of certificates, that upstream keeps apart in one conversation."""


class AirlineTools(TauTools):
    """The airline's tools that both editions have."""

    def __init__(self, db: Overlay, quirks: bool, routes: Routes) -> None:
        """Make the tools of one session.

        Args:
            db: The session's view of the tables.
            quirks: Keep the upstream bugs that published numbers depend on (``compat: v1``).
            routes: The index of flights, shared by all sessions.
        """
        super().__init__(db, quirks)
        self._routes = routes

    @tool
    def get_user_details(self, user_id: str) -> Mapping[str, Any]:
        """A user's profile, with payment methods and reservations.

        Args:
            user_id: Such as 'sara_doe_496'.
        """
        return self._user(user_id)

    @tool
    def get_reservation_details(self, reservation_id: str) -> Mapping[str, Any]:
        """A reservation.

        Args:
            reservation_id: Such as '8JX2WO'.
        """
        return self._reservation(reservation_id)

    @tool
    def search_direct_flight(self, origin: str, destination: str, date: str) -> list[Record]:
        """Search direct flights between two airports on a day.

        Args:
            origin: Three letters, such as 'JFK'.
            destination: Three letters, such as 'LAX'.
            date: YYYY-MM-DD, such as '2024-05-20'.
        """
        return direct(self._db["flights"], self._routes, origin, destination, date)

    @tool
    def search_onestop_flight(self, origin: str, destination: str, date: str) -> list[list[Record]]:
        """Search connections with one stop between two airports. The first flight leaves on the day given.

        Args:
            origin: Three letters, such as 'JFK'.
            destination: Three letters, such as 'LAX'.
            date: YYYY-MM-DD, such as '2024-05-20'.
        """
        return one_stop(self._db["flights"], self._routes, origin, destination, date, self._quirks)

    @tool
    def book_reservation(
        self,
        user_id: str,
        origin: str,
        destination: str,
        flight_type: TripType,
        cabin: Cabin,
        flights: Flights,
        passengers: Passengers,
        payment_methods: list[Payment],
        total_baggages: Bags,
        nonfree_baggages: Bags,
        insurance: Literal["yes", "no"],
    ) -> Record:
        """Book a trip. The payments must add up to its price.

        Args:
            user_id: Who books, such as 'sara_doe_496'.
            origin: Where the trip starts, three letters.
            destination: Where it goes, three letters.
            flight_type: Whether it goes back again.
            cabin: The same on all flights.
            flights: All flights of the trip, in order.
            passengers: Who flies.
            payment_methods: What pays how much.
            total_baggages: Checked bags in all.
            nonfree_baggages: Those among them that are not free.
            insurance: Whether to insure the trip.
        """
        user = self._user(user_id)
        legs = [self._leg(choice, cabin, len(passengers)) for choice in flights]
        price = sum(leg["price"] for leg in legs) * len(passengers) + EXTRA_BAG * nonfree_baggages
        if insurance == "yes":
            price += INSURANCE * len(passengers)
        self._check_payments(user, payment_methods, price)

        payer = self._db["users"].edit(user_id)
        for payment in payment_methods:
            method = payer["payment_methods"].get(payment["payment_id"])
            if method is not None and method["source"] == "gift_card":
                method["amount"] -= payment["amount"]
            elif method is not None and method["source"] == "certificate":
                del payer["payment_methods"][payment["payment_id"]]
        if not self._quirks:
            for leg in legs:
                seats = self._db["flights"].edit(leg["flight_number"])["dates"][leg["date"]]["available_seats"]
                seats[cabin] -= len(passengers)
        reservation_id = self._new_reservation_id()
        reservation: Record = {
            "reservation_id": reservation_id,
            "user_id": user_id,
            "origin": origin,
            "destination": destination,
            "flight_type": flight_type,
            "cabin": cabin,
            "flights": legs,
            "passengers": passengers,
            "payment_history": payment_methods,
            "created_at": NOW,
            "total_baggages": total_baggages,
            "nonfree_baggages": nonfree_baggages,
            "insurance": insurance,
        }
        if reservation_id in self._db["reservations"]:
            self._db["reservations"].remove(reservation_id)
        self._db["reservations"].add(reservation_id, reservation)
        payer["reservations"].append(reservation_id)
        return reservation

    @tool
    def cancel_reservation(self, reservation_id: str) -> Record:
        """Cancel a whole reservation. What was paid goes back to where it came from.

        Args:
            reservation_id: Such as 'ZFA04Y'.
        """
        if self._reservation(reservation_id).get("status") == "cancelled" and not self._quirks:
            raise ToolError("reservation is cancelled already")
        reservation = self._db["reservations"].edit(reservation_id)
        reservation["payment_history"] += [
            {"payment_id": payment["payment_id"], "amount": -payment["amount"]}
            for payment in reservation["payment_history"]
        ]
        reservation["status"] = "cancelled"
        return reservation

    @tool
    def update_reservation_flights(
        self, reservation_id: str, cabin: Cabin, flights: Flights, payment_id: str
    ) -> Record:
        """Change the flights or the cabin of a reservation.

        Args:
            reservation_id: Such as 'ZFA04Y'.
            cabin: The cabin on all flights from now on.
            flights: All flights of the reservation as it shall be, also those that stay as they are.
            payment_id: What pays the difference, or gets it back: a credit card or gift card of the user's profile.
        """
        old = self._reservation(reservation_id)
        passengers = len(old["passengers"])
        kept = {(leg["flight_number"], leg["date"]): leg for leg in reversed(old["flights"]) if cabin == old["cabin"]}
        legs = []
        for choice in flights:
            same = kept.get((choice["flight_number"], choice["date"]))
            if same is None:
                legs.append(self._leg(choice, cabin, passengers))
            else:
                legs.append({**choice, **{field: same[field] for field in ("price", "origin", "destination")}})
        difference = sum(leg["price"] for leg in legs) - sum(leg["price"] for leg in old["flights"])
        reservation = self._charge(reservation_id, payment_id, difference * passengers)
        reservation["flights"] = legs
        if not self._quirks:
            reservation["cabin"] = cabin
        return reservation

    @tool
    def update_reservation_passengers(self, reservation_id: str, passengers: Passengers) -> Record:
        """Change who flies; their number stays.

        Args:
            reservation_id: Such as 'ZFA04Y'.
            passengers: All passengers as they shall be.
        """
        if len(passengers) != len(self._reservation(reservation_id)["passengers"]):
            raise ToolError("number of passengers does not match")
        reservation = self._db["reservations"].edit(reservation_id)
        reservation["passengers"] = passengers
        return reservation

    @tool
    def update_reservation_baggages(
        self, reservation_id: str, total_baggages: Bags, nonfree_baggages: Bags, payment_id: str
    ) -> Record:
        """Change the checked bags of a reservation.

        Args:
            reservation_id: Such as 'ZFA04Y'.
            total_baggages: Checked bags in all, as it shall be.
            nonfree_baggages: Those among them that are not free.
            payment_id: What pays for more bags: a credit card or gift card of the user's profile.
        """
        more = max(0, nonfree_baggages - self._reservation(reservation_id)["nonfree_baggages"])
        reservation = self._charge(reservation_id, payment_id, EXTRA_BAG * more)
        reservation["total_baggages"] = total_baggages
        reservation["nonfree_baggages"] = nonfree_baggages
        return reservation

    @tool
    def send_certificate(self, user_id: str, amount: Amount) -> str:
        """Send a user a travel certificate. Be careful.

        Args:
            user_id: Such as 'sara_doe_496'.
            amount: Its value in dollars.
        """
        taken = self._user(user_id)["payment_methods"]
        number = next(n for n in count(_FIRST_CERTIFICATE) if f"certificate_{n}" not in taken)
        if self._quirks and number >= _FIRST_CERTIFICATE + _UPSTREAM_MOST:
            raise ToolError("too many certificates")
        certificate = f"certificate_{number}"
        methods = self._db["users"].edit(user_id)["payment_methods"]
        methods[certificate] = {"source": "certificate", "amount": amount, "id": certificate}
        return f"Certificate {certificate} added to user {user_id} with amount {amount}."

    def _user(self, user_id: str) -> Mapping[str, Any]:
        user = self._db["users"].get(user_id)
        if user is None:
            raise ToolError("user not found")
        return user

    def _reservation(self, reservation_id: str) -> Mapping[str, Any]:
        reservation = self._db["reservations"].get(reservation_id)
        if reservation is None:
            raise ToolError("reservation not found")
        return reservation

    def _flight_on(self, number: str, day: str) -> Mapping[str, Any]:
        """Return a flight that is planned for a day."""
        flight = self._db["flights"].get(number)
        if flight is None:
            raise ToolError(f"flight {number} not found")
        if day not in flight["dates"]:
            raise ToolError(f"flight {number} not found on date {day}")
        return flight

    def _leg(self, choice: FlightChoice, cabin: Cabin, passengers: int) -> Record:
        """Return a flight as a reservation holds it, at its present price, if there are enough seats."""
        number, day = choice["flight_number"], choice["date"]
        flight = self._flight_on(number, day)
        if not bookable(flight, day):
            raise ToolError(f"flight {number} not available on date {day}")
        on_day = flight["dates"][day]
        if on_day["available_seats"][cabin] < passengers:
            raise ToolError(f"not enough seats on flight {number}")
        price, origin, destination = on_day["prices"][cabin], flight["origin"], flight["destination"]
        return {**choice, "price": price, "origin": origin, "destination": destination}

    def _check_payments(self, user: Mapping[str, Any], payments: Sequence[Payment], price: int) -> None:
        spent: dict[str, int | float] = {}
        for payment in payments:
            payment_id = payment["payment_id"]
            method = user["payment_methods"].get(payment_id)
            if method is None:
                raise ToolError(f"payment method {payment_id} not found")
            spent[payment_id] = spent.get(payment_id, 0) + payment["amount"]
            if method["source"] != "credit_card" and method["amount"] < spent[payment_id]:
                raise ToolError(f"not enough balance in payment method {payment_id}")
        if sum(spent.values()) != price:
            raise ToolError(f"payment amount does not add up, total price is {price}, but paid {sum(spent.values())}")

    def _charge(self, reservation_id: str, payment_id: str, price: int) -> Record:
        """Charge or refund the difference of a change, and return the reservation to write the change to."""
        user_id = self._reservation(reservation_id)["user_id"]
        method = self._user(user_id)["payment_methods"].get(payment_id)
        if method is None:
            raise ToolError("payment method not found")
        if method["source"] == "certificate":
            raise ToolError("certificate cannot be used to update reservation")
        if method["source"] == "gift_card":
            if method["amount"] < price:
                raise ToolError("gift card balance is not enough")
            if price:
                self._db["users"].edit(user_id)["payment_methods"][payment_id]["amount"] -= price
        reservation = self._db["reservations"].edit(reservation_id)
        if price:
            reservation["payment_history"].append({"payment_id": payment_id, "amount": price})
        return reservation

    def _new_reservation_id(self) -> str:
        """Return the next free reservation id: HATHAT, HATHAU, HATHAV as upstream has them, then the following ones."""
        numbers = range(_UPSTREAM_MOST) if self._quirks else count()
        ids = (_reservation_id(number) for number in numbers)
        free = (candidate for candidate in ids if candidate not in self._db["reservations"])
        return next(free, _reservation_id(_UPSTREAM_MOST - 1))  # where upstream overwrites its third


def _reservation_id(number: int) -> str:
    """Return the reservation id that comes ``number`` after HATHAT, counting in letters."""
    total = 0
    for letter in "HATHAT":
        total = total * 26 + ord(letter) - ord("A")
    total += number
    letters = []
    for _ in range(6):
        total, rest = divmod(total, 26)
        letters.append(chr(ord("A") + rest))
    return "".join(reversed(letters))


class AirlineToolsV1(AirlineTools, ThinkTool):
    """The 14 airline tools of tau-bench."""

    @tool
    def list_all_airports(self) -> dict[str, str]:
        """All airports: three-letter codes and cities."""
        return AIRPORTS


class AirlineToolsTau2(AirlineTools):
    """The 14 airline tools of tau2-bench."""

    @tool
    def list_all_airports(self) -> list[dict[str, str]]:
        """All airports: three-letter codes and cities."""
        return [{"iata": code, "city": city} for code, city in AIRPORTS.items()]

    @tool
    def get_flight_status(self, flight_number: str, date: str) -> str:
        """How a flight stands on a day.

        Args:
            flight_number: Such as 'HAT001'.
            date: YYYY-MM-DD, such as '2024-05-20'.
        """
        status: str = self._flight_on(flight_number, date)["dates"][date]["status"]
        return status
