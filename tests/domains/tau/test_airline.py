"""The airline's tools, over a small airline of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.protocols import Domain, Session
from tests.domains.tau.small_tau import LOADS, ok, refused, session

BOTH = pytest.mark.parametrize("name", ["airline", "airline-tau2"])
ADA = {"first_name": "Ada", "last_name": "Meyer", "dob": "1990-01-01"}
TRIP: dict[str, Any] = {
    "user_id": "ada_1",
    "origin": "JFK",
    "destination": "SEA",
    "flight_type": "one_way",
    "cabin": "economy",
    "flights": [{"flight_number": "F4", "date": "2024-05-20"}],
    "passengers": [ADA],
    "payment_methods": [{"payment_id": "credit_card_1", "amount": 400}],
    "total_baggages": 0,
    "nonfree_baggages": 0,
    "insurance": "no",
}


def pays(**amounts: float) -> list[dict[str, Any]]:
    return [{"payment_id": payment_id, "amount": amount} for payment_id, amount in amounts.items()]


@BOTH
def test_domain_and_session_are_what_the_roles_ask_for(tau_root: Path, name: str) -> None:
    here: Session = session(tau_root, name)
    assert "policy" in here.policy
    assert len(here.tools) == 14
    assert here.notes == {}


def test_the_editions_have_their_own_tools(tau_root: Path) -> None:
    v1 = {tool.name for tool in session(tau_root, "airline").tools}
    tau2 = {tool.name for tool in session(tau_root, "airline-tau2").tools}
    assert v1 - tau2 == {"think"}
    assert tau2 - v1 == {"get_flight_status"}


def test_a_domain_is_read_once(tau_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGST_DATA", str(tau_root))
    for name, load in LOADS.items():
        domain: Domain = load()
        assert domain is load()
        assert domain.name == name


def test_direct_flights_are_those_that_can_be_booked(tau_root: Path) -> None:
    here = session(tau_root, "airline")
    found = ok(here, "search_direct_flight", origin="JFK", destination="SEA", date="2024-05-20")
    assert [f["flight_number"] for f in found] == ["F4", "F5"]
    assert found[0]["prices"] == {"basic_economy": 200, "economy": 400, "business": 1000}
    assert "dates" not in found[0]
    for date in ("2024-05-21", "2024-07-01", "soon"):
        assert ok(here, "search_direct_flight", origin="JFK", destination="SEA", date=date) == []
    assert ok(here, "search_direct_flight", origin="SEA", destination="JFK", date="2024-05-20") == []


@BOTH
def test_a_connection_overnight_goes_on_the_next_day(tau_root: Path, name: str) -> None:
    here = session(tau_root, name)
    found = ok(here, "search_onestop_flight", origin="JFK", destination="SEA", date="2024-05-20")
    pairs = [(a["flight_number"], a["date"], b["flight_number"], b["date"]) for a, b in found]
    assert pairs == [
        ("F1", "2024-05-20", "F2", "2024-05-21"),  # F3 leaves before F1 has arrived
        ("F6", "2024-05-20", "F2", "2024-05-20"),
    ]
    assert [b["prices"]["basic_economy"] for _, b in found] == [4, 3]


def test_connections_reach_over_the_ninth_day_and_the_end_of_the_month(tau_root: Path) -> None:
    here = session(tau_root, "airline")
    for date, next_day in (("2024-05-08", "2024-05-09"), ("2024-05-31", "2024-06-01")):
        first, second = ok(here, "search_onestop_flight", origin="JFK", destination="SEA", date=date)[0]
        assert (first["flight_number"], second["date"]) == ("F1", next_day)


def test_connections_as_tau_bench_finds_them(tau_root: Path) -> None:
    here = session(tau_root, "airline", compat="v1")
    found = ok(here, "search_onestop_flight", origin="JFK", destination="SEA", date="2024-05-20")
    assert [(b["date"], b["prices"]["basic_economy"]) for _, b in found] == [("2024-05-21", 3), ("2024-05-20", 3)]
    for date in ("2024-05-08", "2024-05-31"):
        found = ok(here, "search_onestop_flight", origin="JFK", destination="SEA", date=date)
        assert [a["flight_number"] for a, _ in found] == ["F6"]


@BOTH
def test_booking_takes_money_seats_and_certificate(tau_root: Path, name: str) -> None:
    here = session(tau_root, name)
    extras = {"insurance": "yes", "total_baggages": 3, "nonfree_baggages": 2}
    price = 2 * 400 + 2 * 30 + 2 * 50
    two = {**TRIP, **extras, "passengers": [ADA, {**ADA, "first_name": "Bea"}]}
    assert f"total price is {price}, but paid 400" in refused(here, "book_reservation", **two)
    two["payment_methods"] = pays(certificate_1=250, gift_card_1=300, credit_card_1=price - 550)
    made = ok(here, "book_reservation", **two)
    assert made["reservation_id"] == "HATHAT"
    assert made["created_at"] == "2024-05-15T15:00:00"
    assert made["flights"][0] == {
        "flight_number": "F4",
        "date": "2024-05-20",
        "price": 400,
        "origin": "JFK",
        "destination": "SEA",
    }
    user = ok(here, "get_user_details", user_id="ada_1")
    assert user["reservations"] == ["AAA111", "HATHAT"]
    assert "certificate_1" not in user["payment_methods"]
    assert user["payment_methods"]["gift_card_1"]["amount"] == 0
    flight = ok(here, "search_direct_flight", origin="JFK", destination="SEA", date="2024-05-20")[0]
    assert flight["available_seats"]["economy"] == 3
    assert ok(here, "get_reservation_details", reservation_id="HATHAT") == made


def test_tau_bench_takes_no_seats(tau_root: Path) -> None:
    here = session(tau_root, "airline", compat="v1")
    ok(here, "book_reservation", **TRIP)
    assert "flights" not in here.edits()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"user_id": "nobody"}, "user not found"),
        ({"flights": [{"flight_number": "F9", "date": "2024-05-20"}]}, "flight F9 not found"),
        ({"flights": [{"flight_number": "F4", "date": "2024-05-25"}]}, "F4 not found on date 2024-05-25"),
        ({"flights": [{"flight_number": "F4", "date": "2024-05-21"}]}, "F4 not available on date 2024-05-21"),
        ({"flights": [{"flight_number": "F5", "date": "2024-05-20"}], "passengers": [ADA, ADA]}, "not enough seats"),
        ({"payment_methods": pays(paypal=400)}, "payment method paypal not found"),
        ({"payment_methods": pays(gift_card_1=400)}, "not enough balance in payment method gift_card_1"),
        ({"payment_methods": pays(gift_card_1=200) * 2}, "not enough balance in payment method gift_card_1"),
        ({"payment_methods": pays(credit_card_1=399)}, "total price is 400, but paid 399"),
        ({"payment_methods": pays(credit_card_1=float("nan"))}, "payment_methods.0.amount"),
        ({"payment_methods": pays(credit_card_1=500, gift_card_1=-100)}, "greater than or equal to 0"),
        ({"nonfree_baggages": -1}, "greater than or equal to 0"),
        ({"cabin": "first"}, "cabin"),
        ({"insurance": True}, "insurance"),
        ({"passengers": [{**ADA, "middle_name": "B"}]}, "middle_name"),
        ({"passengers": "Ada"}, "passengers"),
        ({"passengers": [], "payment_methods": []}, "passengers"),
        ({"flights": [], "payment_methods": []}, "flights"),
    ],
)
def test_bookings_that_are_refused(tau_root: Path, change: dict[str, Any], problem: str) -> None:
    assert problem in refused(session(tau_root, "airline"), "book_reservation", **{**TRIP, **change})


def test_reservation_ids_go_on_after_the_three_of_upstream(tau_root: Path) -> None:
    here = session(tau_root, "airline")
    ids = [ok(here, "book_reservation", **TRIP)["reservation_id"] for _ in range(5)]
    assert ids == ["HATHAT", "HATHAU", "HATHAV", "HATHAW", "HATHAX"]
    old = session(tau_root, "airline", compat="v1")
    ids = [ok(old, "book_reservation", **TRIP)["reservation_id"] for _ in range(5)]
    assert ids == ["HATHAT", "HATHAU", "HATHAV", "HATHAV", "HATHAV"]
    assert len(here.edits()["reservations"].added) == 5
    assert len(old.edits()["reservations"].added) == 3


def test_certificates_go_on_after_the_three_of_upstream(tau_root: Path) -> None:
    here, old = session(tau_root, "airline"), session(tau_root, "airline", compat="v1")
    for tools in (here, old):
        for number in (3221322, 3221323, 3221324):
            said = ok(tools, "send_certificate", user_id="ada_1", amount=50)
            assert said == f"Certificate certificate_{number} added to user ada_1 with amount 50."
    assert "certificate_3221325" in ok(here, "send_certificate", user_id="ada_1", amount=50)
    assert "too many" in refused(old, "send_certificate", user_id="ada_1", amount=50)
    assert "user not found" in refused(here, "send_certificate", user_id="nobody", amount=50)


def change(cabin: str = "economy", number: str = "F4", payment: str = "credit_card_1") -> dict[str, Any]:
    flights = [{"flight_number": number, "date": "2024-05-20"}]
    return {"reservation_id": "AAA111", "cabin": cabin, "flights": flights, "payment_id": payment}


def test_a_kept_flight_keeps_its_price(tau_root: Path) -> None:
    here = session(tau_root, "airline")
    kept = ok(here, "update_reservation_flights", **change())
    assert [f["price"] for f in kept["flights"]] == [150]
    assert len(kept["payment_history"]) == 1
    assert here.edits() == {}


def test_a_change_of_flights_is_paid_or_paid_back(tau_root: Path) -> None:
    here = session(tau_root, "airline")
    assert "certificate cannot" in refused(
        here, "update_reservation_flights", **change("business", payment="certificate_1")
    )
    assert "balance is not enough" in refused(
        here, "update_reservation_flights", **change("business", payment="gift_card_1")
    )
    assert "payment method not found" in refused(here, "update_reservation_flights", **change(payment="paypal"))
    changed = ok(here, "update_reservation_flights", **change("business"))
    assert changed["payment_history"][-1] == {"payment_id": "credit_card_1", "amount": 850}
    back = ok(here, "update_reservation_flights", **change("economy", "F5", "gift_card_1"))
    assert back["payment_history"][-1] == {"payment_id": "gift_card_1", "amount": -800}
    card = ok(here, "get_user_details", user_id="ada_1")["payment_methods"]["gift_card_1"]
    assert card["amount"] == 1100


def test_the_new_cabin_is_stored_but_not_by_tau_bench(tau_root: Path) -> None:
    for name in ("airline", "airline-tau2"):
        here = session(tau_root, name)
        assert ok(here, "update_reservation_flights", **change("business"))["cabin"] == "business"
    old = session(tau_root, "airline", compat="v1")
    assert ok(old, "update_reservation_flights", **change("business"))["cabin"] == "economy"


def test_cancelling_pays_back_once(tau_root: Path) -> None:
    here, old = session(tau_root, "airline"), session(tau_root, "airline", compat="v1")
    for tools in (here, old):
        gone = ok(tools, "cancel_reservation", reservation_id="AAA111")
        assert gone["status"] == "cancelled"
        assert [p["amount"] for p in gone["payment_history"]] == [150, -150]
    assert "cancelled already" in refused(here, "cancel_reservation", reservation_id="AAA111")
    assert len(ok(old, "cancel_reservation", reservation_id="AAA111")["payment_history"]) == 4
    assert "not found" in refused(here, "cancel_reservation", reservation_id="BBB222")


def test_passengers_and_bags(tau_root: Path) -> None:
    here = session(tau_root, "airline")
    assert "does not match" in refused(
        here, "update_reservation_passengers", reservation_id="AAA111", passengers=[ADA, ADA]
    )
    bea = {**ADA, "first_name": "Bea"}
    assert ok(here, "update_reservation_passengers", reservation_id="AAA111", passengers=[bea])["passengers"] == [bea]
    bags = {"reservation_id": "AAA111", "total_baggages": 4, "nonfree_baggages": 2, "payment_id": "gift_card_1"}
    changed = ok(here, "update_reservation_baggages", **bags)
    assert (changed["total_baggages"], changed["nonfree_baggages"]) == (4, 2)
    assert changed["payment_history"][-1] == {"payment_id": "gift_card_1", "amount": 100}
    assert ok(here, "update_reservation_baggages", **bags)["payment_history"] == changed["payment_history"]


def test_the_rest(tau_root: Path) -> None:
    v1, tau2 = session(tau_root, "airline"), session(tau_root, "airline-tau2")
    assert ok(v1, "list_all_airports")["SEA"] == "Seattle"
    assert {"iata": "SEA", "city": "Seattle"} in ok(tau2, "list_all_airports")
    assert ok(tau2, "get_flight_status", flight_number="F5", date="2024-05-21") == "flying"
    assert "not found on date" in refused(tau2, "get_flight_status", flight_number="F5", date="2024-01-01")
    assert ok(v1, "think", thought="Hm.") == ""
    assert ok(v1, "transfer_to_human_agents", summary="Too hard.") == "Transfer successful"
    assert v1.call("calculate", {"expression": "2 * (152 + 103)"}).text == "510.0"
    assert "no operator '**'" in refused(v1, "calculate", expression="9**9**9")
    assert "no tool 'book'" in refused(v1, "book")
    assert "user_id is missing" in refused(v1, "get_user_details")
    assert "no argument 'name'" in refused(v1, "get_user_details", user_id="ada_1", name="Ada")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_no_arguments_raise(tau_root: Path, data: st.DataObject) -> None:
    here = session(tau_root, data.draw(st.sampled_from(sorted(LOADS))))
    spec = data.draw(st.sampled_from(here.tools))
    known = list(spec.parameters["properties"])
    some = st.sampled_from([*(TRIP.values()), "AAA111", "#W1", "#W2", ["11"], "F4", "2024-05-20", "credit_card_2"])
    arguments = data.draw(st.dictionaries(st.sampled_from([*known, "other"]), some | JSON, max_size=12))
    result = here.call(spec.name, arguments)
    assert result.ok or result.text.startswith("Error: ")
