"""A small made-up database in MultiWOZ's layout, with every trap of the data, for tests without the real one."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

AREAS = ("centre", "north", "south", "east", "west")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CUISINES = ("indian", "italian", "british", "modern european", "seafood", "gastropub", "thai")
SIGHTS = ("museum", "college", "park", "swimmingpool", "theatre", "mutliple sports", "architecture")
CITIES = ("ely", "kings lynn", "london kings cross", "norwich")
_FIRST = (
    "amber", "birch", "copper", "drifting", "elder", "foxglove", "granite", "hazel", "ivory", "juniper", "kestrel",
    "lantern", "mallow", "nettle", "otter", "pepper", "quince", "rowan", "saffron", "thistle",
)  # fmt: skip
_SECOND = ("anchor", "barn", "crown", "door", "elm", "ferry", "garden", "harbour", "inn", "jetty", "kitchen", "lodge")


def write_database(folder: Path) -> Path:
    """Write the files below ``folder/db``; always the same."""
    rng = random.Random(1)
    names = [f"{first} {second}" for first, second in itertools.product(_FIRST, _SECOND)]
    rng.shuffle(names)
    numbers = itertools.count(1)

    def place(**more: Any) -> dict[str, Any]:
        number = next(numbers)
        return {
            "name": names.pop(),
            "area": rng.choice(AREAS),
            "address": f"{number} {rng.choice(_FIRST)} street",
            "postcode": f"cb{rng.randint(1, 5)}{rng.randint(1, 9)}{rng.choice('abcd')}{rng.choice('xyz')}",
            "phone": f"01223{number:06}",
            "id": str(number),
            "location": [52.2, 0.12],
            **more,
        }

    def price() -> str:
        return rng.choice(("cheap", "moderate", "expensive"))

    restaurants = [place(food=rng.choice(CUISINES), pricerange=price(), type="restaurant") for _ in range(60)]
    restaurants[0].update(
        name="the oak and ivy", area="west", food="thai", pricerange="cheap", introduction="good food"
    )
    del restaurants[1]["phone"]
    hotels = [
        place(
            type=rng.choice(("hotel", "guesthouse")),
            pricerange=price(),
            stars=rng.choice("02344"),
            parking=rng.choice(("yes", "no")),
            internet=rng.choice(("yes", "yes", "no")),
            price={"single": "40", "double": "60"},
            takesbookings="yes",
        )
        for _ in range(40)
    ]
    hotels[0].update(name="acorn house", takesbookings="no")
    hotels[1].update(name="walnut hotel", area="north", type="hotel", stars="4", parking="no", internet="yes")
    sights = [place(type=rng.choice(SIGHTS), pricerange="free", openhours="?") for _ in range(60)]
    for sight in sights:
        fee = rng.choice(("free", "free", "?", "5 pounds", "2.50 pounds"))
        sight |= {"entrance fee": fee, "pricerange": {"free": "free", "?": "?"}.get(fee, "moderate")}
    sights[0] |= {
        "name": "queen's yard",
        "type": "museum",
        "area": "east",
        "entrance fee": "free",
        "pricerange": "free",
    }
    trains: list[dict[str, Any]] = []
    for city, day in itertools.product(CITIES, DAYS):
        ride = {"ely": 17, "kings lynn": 47, "london kings cross": 51, "norwich": 79}[city]
        for hour in range(5, 24, 2):
            for origin, destination, minute in ((city, "cambridge", 40), ("cambridge", city, 5)):
                arrives = hour * 60 + minute + ride
                trains.append(
                    {
                        "trainID": f"TR{1000 + len(trains)}",
                        "day": day,
                        "departure": origin,
                        "destination": destination,
                        "leaveAt": f"{hour:02}:{minute:02}",
                        "arriveBy": f"{arrives // 60:02}:{arrives % 60:02}",
                        "duration": f"{ride} minutes",
                        "price": f"{ride / 4:.2f} pounds",
                    }
                )
    late = [train for train in trains if train["arriveBy"] >= "24:00"]
    late[0]["arriveBy"] = f"{int(late[0]['arriveBy'][:2]) - 24:02}{late[0]['arriveBy'][2:]}"
    trains[1]["trainID"] = trains[0]["trainID"]
    tables: dict[str, Any] = {
        "restaurant": restaurants,
        "hotel": hotels,
        "attraction": sights,
        "train": trains,
        "taxi": [{"taxi_colors": ["black", "red"], "taxi_types": ["skoda", "bmw"], "taxi_phone": ["^[0-9]{10}$"]}],
        "police": [{"name": "Town Police", "address": "1 Park Lane", "id": 0, "phone": "01223000001"}],
        "hospital": [
            {"department": "children's oncology", "id": 0, "phone": "01223000002"},
            {"department": "oncology", "id": 1, "phone": "01223000003"},
        ],
    }
    (folder / "db").mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        (folder / "db" / f"{name}_db.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder
