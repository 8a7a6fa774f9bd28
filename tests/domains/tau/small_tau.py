"""A small airline and a small shop of our own, in the layouts of tau-bench and tau2-bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_ugst.config.data_dirs import DataDirs
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.tau.airline import domain as airline
from pytest_ugst.domains.tau.retail import domain as retail
from pytest_ugst.domains.tau.session import TauSession

Record = dict[str, Any]


def day(status: str = "available", seats: int = 5, price: int = 100) -> Record:
    if status != "available":
        return {"status": status}
    cabins = {"basic_economy": 1, "economy": 2, "business": 5}
    return {
        "status": status,
        "available_seats": dict.fromkeys(cabins, seats),
        "prices": {cabin: price * times for cabin, times in cabins.items()},
    }


def flight(number: str, route: str, times: str, dates: dict[str, Record]) -> Record:
    origin, destination = route.split("-")
    departure, arrival = times.split(" ")
    return {
        "flight_number": number,
        "origin": origin,
        "destination": destination,
        "scheduled_departure_time_est": departure,
        "scheduled_arrival_time_est": arrival,
        "dates": dates,
    }


DAYS = ("2024-05-08", "2024-05-09", "2024-05-20", "2024-05-21", "2024-05-31", "2024-06-01")


def flights() -> dict[str, Record]:
    """F1 flies overnight; F2 and F3 go on from where it lands, in the morning and at night."""
    listed = [
        flight("F1", "JFK-ORD", "22:00:00 02:00:00+1", {d: day() for d in DAYS}),
        flight("F2", "ORD-SEA", "07:00:00 09:00:00", {d: day(price=i + 1) for i, d in enumerate(DAYS)}),
        flight("F3", "ORD-SEA", "01:00:00 03:00:00", {d: day() for d in DAYS}),
        flight("F4", "JFK-SEA", "10:00:00 13:00:00", {"2024-05-20": day(price=200), "2024-05-21": day("cancelled")}),
        flight("F5", "JFK-SEA", "15:00:00 18:00:00", {"2024-05-20": day(seats=1), "2024-05-21": day("flying")}),
        flight("F6", "JFK-ORD", "05:00:00 07:00:00", {d: day() for d in DAYS}),
    ]
    return {f["flight_number"]: f for f in listed}


def reservations() -> dict[str, Record]:
    return {
        "AAA111": {
            "reservation_id": "AAA111",
            "user_id": "ada_1",
            "origin": "JFK",
            "destination": "SEA",
            "flight_type": "one_way",
            "cabin": "economy",
            "flights": [
                {"origin": "JFK", "destination": "SEA", "flight_number": "F4", "date": "2024-05-20", "price": 150}
            ],
            "passengers": [{"first_name": "Ada", "last_name": "Meyer", "dob": "1990-01-01"}],
            "payment_history": [{"payment_id": "credit_card_1", "amount": 150}],
            "created_at": "2024-05-10T10:00:00",
            "total_baggages": 1,
            "nonfree_baggages": 0,
            "insurance": "no",
        }
    }


def flyers() -> dict[str, Record]:
    return {
        "ada_1": {
            "name": {"first_name": "Ada", "last_name": "Meyer"},
            "address": {"zip": "10001"},
            "email": "ada@example.com",
            "dob": "1990-01-01",
            "payment_methods": {
                "credit_card_1": {"source": "credit_card", "brand": "visa", "last_four": "1111", "id": "credit_card_1"},
                "gift_card_1": {"source": "gift_card", "amount": 300, "id": "gift_card_1"},
                "certificate_1": {"source": "certificate", "amount": 250, "id": "certificate_1"},
            },
            "saved_passengers": [],
            "membership": "gold",
            "reservations": ["AAA111"],
        }
    }


def variant(item: str, price: float, available: bool = True, **options: str) -> Record:
    return {"item_id": item, "options": options, "available": available, "price": price}


def products() -> dict[str, Record]:
    shirts = [
        variant("11", 10.1, size="S"),
        variant("12", 20.35, size="M"),
        variant("13", 30.0, available=False, size="L"),
        variant("14", 15.25, size="XL"),
    ]
    return {
        "100": {"name": "Shirt", "product_id": "100", "variants": {v["item_id"]: v for v in shirts}},
        "200": {"name": "Lamp", "product_id": "200", "variants": {"21": variant("21", 40.0, colour="red")}},
    }


def item(item_id: str, price: float, product: str = "100", **options: str) -> Record:
    return {"name": "Thing", "product_id": product, "item_id": item_id, "price": price, "options": options}


def order(order_id: str, status: str, items: list[Record], paid_with: str) -> Record:
    total = round(sum(i["price"] for i in items), 2)
    return {
        "order_id": order_id,
        "user_id": "bob_2",
        "address": {"address1": "1 Elm", "address2": "", "city": "X", "country": "USA", "state": "NY", "zip": "10002"},
        "items": items,
        "fulfillments": [],
        "status": status,
        "payment_history": [{"transaction_type": "payment", "amount": total, "payment_method_id": paid_with}],
    }


def orders() -> dict[str, Record]:
    listed = [
        order("#W1", "pending", [item("11", 10.1), item("12", 20.35), item("21", 40.0, "200")], "gift_card_2"),
        order("#W2", "delivered", [item("11", 10.1), item("11", 10.1), item("12", 20.35)], "credit_card_2"),
        order("#W3", "processed", [item("11", 10.1)], "credit_card_2"),
        order("#W4", "pending", [item("11", 10.1)], "credit_card_2"),
    ]
    return {o["order_id"]: o for o in listed}


def shoppers() -> dict[str, Record]:
    def user(name: str, email: str, zip_code: str, **methods: Record) -> Record:
        return {
            "name": {"first_name": name, "last_name": "Lee"},
            "address": {
                "address1": "1 Elm",
                "address2": "",
                "city": "X",
                "country": "USA",
                "state": "NY",
                "zip": zip_code,
            },
            "email": email,
            "payment_methods": {key: {**method, "id": key} for key, method in methods.items()},
            "orders": [],
        }

    return {
        "bob_1": user("Bob", "bob1@example.com", "10001"),
        "bob_2": user(
            "Bob",
            "Bob2@example.com",
            "10002",
            gift_card_2={"source": "gift_card", "balance": 8.0},
            credit_card_2={"source": "credit_card", "brand": "visa", "last_four": "2222"},
            paypal_2={"source": "paypal"},
        ),
    }


AIRLINE = {"flights": flights, "reservations": reservations, "users": flyers}
RETAIL = {"orders": orders, "products": products, "users": shoppers}


def write(root: Path) -> Path:
    """Both data sets, in one folder as ``UGST_DATA`` names it."""
    for kind, tables in (("airline", AIRLINE), ("retail", RETAIL)):
        v1 = root / "tau-bench" / "tau_bench" / "envs" / kind
        (v1 / "data").mkdir(parents=True)
        (v1 / "wiki.md").write_text(f"# The {kind}'s policy\n", encoding="utf-8")
        for name, made in tables.items():
            (v1 / "data" / f"{name}.json").write_text(json.dumps(made()), encoding="utf-8")
        tau2 = root / "tau2-bench" / "data" / "tau2" / "domains" / kind
        tau2.mkdir(parents=True)
        (tau2 / "policy.md").write_text(f"# The {kind}'s corrected policy\n", encoding="utf-8")
        (tau2 / "db.json").write_text(json.dumps({n: made() for n, made in tables.items()}), encoding="utf-8")
    return root


LOADS = {
    "airline": airline.load,
    "retail": retail.load,
    "airline-tau2": airline.load_tau2,
    "retail-tau2": retail.load_tau2,
}


def session(root: Path, name: str, **data: Any) -> TauSession:
    """A session of one of the four domains over the data in ``root``."""
    return LOADS[name](DataDirs(root)).open(Goal(id="g", text="A goal.", domain=name, data=data), 0)


def ok(session: TauSession, tool: str, **arguments: Any) -> Any:
    """Return a tool's answer, parsed where it is JSON."""
    result = session.call(tool, arguments)
    assert result.ok, result.text
    try:
        return json.loads(result.text)
    except ValueError:
        return result.text


def refused(session: TauSession, tool: str, **arguments: Any) -> str:
    """The error that a tool answers; nothing has changed then."""
    before = repr(session.edits())
    result = session.call(tool, arguments)
    assert not result.ok, result.text
    assert result.text.startswith("Error: ")
    assert repr(session.edits()) == before
    return result.text
