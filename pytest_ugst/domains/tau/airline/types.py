"""Argument types of the airline's tools: flights, passengers, payments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema
from typing_extensions import TypedDict

NOW = "2024-05-15T15:00:00"
"""The domain's current time in every session, in EST."""

Cabin = Literal["basic_economy", "economy", "business"]
TripType = Literal["one_way", "round_trip"]
Bags = Annotated[int, Field(ge=0)]
Amount = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, allow_inf_nan=False)],
    WithJsonSchema({"type": "number", "minimum": 0}),
]
"""An amount in dollars; an integer stays an integer."""

_STRICT = ConfigDict(extra="forbid", strict=True)


class FlightChoice(TypedDict):
    """One flight of a trip."""

    # Agents like to repeat a flight's route or price here; that is left out, and the flight's own counts.
    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]

    flight_number: Annotated[str, Field(description="Such as 'HAT001'.")]
    date: Annotated[str, Field(description="Day of departure, YYYY-MM-DD.")]


class Passenger(TypedDict):
    """One passenger."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    first_name: str
    last_name: str
    dob: Annotated[str, Field(description="Date of birth, YYYY-MM-DD.")]


Flights = Annotated[list[FlightChoice], Field(min_length=1)]
Passengers = Annotated[list[Passenger], Field(min_length=1)]


class Payment(TypedDict):
    """A part of the price, and what pays for it."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    payment_id: Annotated[str, Field(description="A payment method of the user's profile, such as 'gift_card_123'.")]
    amount: Annotated[Amount, Field(description="Dollars.")]


AIRPORTS: dict[str, str] = {
    "SFO": "San Francisco",
    "JFK": "New York",
    "LAX": "Los Angeles",
    "ORD": "Chicago",
    "DFW": "Dallas",
    "DEN": "Denver",
    "SEA": "Seattle",
    "ATL": "Atlanta",
    "MIA": "Miami",
    "BOS": "Boston",
    "PHX": "Phoenix",
    "IAH": "Houston",
    "LAS": "Las Vegas",
    "MCO": "Orlando",
    "EWR": "Newark",
    "CLT": "Charlotte",
    "MSP": "Minneapolis",
    "DTW": "Detroit",
    "PHL": "Philadelphia",
    "LGA": "LaGuardia",
}
"""Airports by IATA code, as upstream lists them."""
