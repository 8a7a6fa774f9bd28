"""Tests of the agenda's understanding of replies of rule-based agents and of language models."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.simulators.agenda.nlu import condition_holds, interpret, missing_features, unrequested_constraints


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'd suggest Lemon Cellar, a cheap Italian restaurant. Shall I book it for you?", {"found", "offer"}),
        ("I found **Lemon Cellar**. Would you like me to book a table?", {"found", "offer"}),
        ("Here are some options:\n1. Signal Tower\n2. Tower of Winds\nWhich one is for you?", {"found"}),
        ("Done! It is booked for Friday at 19:00. Your reference is CQ-7F3K2.", {"booked"}),
        ("You're all set! I've reserved 2 seats. Booking reference: cq-7f3k2", {"booked"}),
        ("Lemon Cellar is fully booked on Friday. It has places on Monday.", {"full"}),
        ("There are no free tables at that time, sorry.", {"full"}),
        ("I'm sorry, I can't find any Korean restaurant: no restaurant matches that.", {"no_match"}),
        ("Unfortunately, there are no Korean restaurants available in the north.", {"no_match"}),
        ("I could not find a five-star hostel that matches.", {"no_match"}),
        ("Your booking CQ-7F3K2 has been updated to Saturday.", {"changed"}),
        ("Your booking CQ-7F3K2 is cancelled.", {"cancelled"}),
        ("Should booking CQ-7F3K2 be cancelled? Please confirm.", {"offer"}),
        ("I'm sorry, I didn't catch that. I can search and book.", {"not_understood"}),
        ("", {"not_understood"}),
        ("   \n", {"not_understood"}),
        ("Lemon Cellar is closed at 23:30.", {"closed"}),
        ("I am unable to book trains.", {"refused"}),
        ("The phone number of Lemon Cellar is 0555 252384.", set()),
        ("If that does not match what you want, let me know.", set()),
    ],
)
def test_what_a_reply_does(text: str, expected: set[str]) -> None:
    meaning = interpret(text)
    flags = (
        "found",
        "offer",
        "booked",
        "full",
        "no_match",
        "changed",
        "cancelled",
        "not_understood",
        "closed",
        "refused",
    )
    assert {flag for flag in flags if getattr(meaning, flag)} == expected


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("What day, at what time and for how many people?", {"day", "time", "people"}),
        (
            "Please provide:\n1. **Date** of the visit\n2. Number of guests\n3. Your name",
            {"day", "people", "user_name"},
        ),
        ("Where will you be travelling from, and on which day?", {"origin", "day"}),
        ("Where to?", {"destination"}),
        ("For how many nights shall I book it?", {"nights"}),
        ("Which part of town, and is there a price range you have in mind?", {"area", "price"}),
        ("Could you give me your card number and e-mail?", {"card", "email"}),
        ("What is the reference of your booking?", {"reference"}),
        ("It is open every day. The time of arrival is 10:48.", set()),
    ],
)
def test_what_a_reply_asks_for(text: str, requests: set[str]) -> None:
    assert set(interpret(text).requests) == requests


@pytest.mark.parametrize(
    ("fact", "text", "informed"),
    [
        ("phone", "Call 0555 252384.", True),
        ("phone", "It is booked at 19:00.", False),
        ("address", "You find it at 39 Reedmace Lane.", True),
        ("address", "Entry is 6 crowns. There are 3 matches.", False),
        ("postcode", "QH2 9AB", True),
        ("entry_fee", "Entry is free.", True),
        ("opens", "It is open from 10:00 to 17:00.", True),
        ("opens", "It is booked for Friday at 10:00.", False),
        ("departs", "The train leaves at 10:25.", True),
        ("owner", "The owner is Ms Finch.", True),
        ("owner", "No idea.", False),
    ],
)
def test_facts(fact: str, text: str, informed: bool) -> None:
    assert interpret(text).informs(fact) is informed


@pytest.mark.parametrize(
    ("condition", "text", "answer"),
    [
        ({"fact": "entry_fee", "above": 8}, "The entry fee is 10 crowns.", True),
        ({"fact": "entry_fee", "above": 8}, "with free entry", False),
        ({"fact": "entry_fee", "above": 8}, "a lovely museum", None),
        ({"fact": "minutes", "above": 120}, "2 hours 20 minutes", True),
        ({"fact": "minutes", "below": 60}, "It takes 48 minutes.", True),
        ({"fact": "price", "is": "expensive"}, "an expensive French restaurant", True),
        ({"fact": "price", "is": "expensive"}, "a cheap hostel", False),
        ({"fact": "area", "is": "centre"}, "It is in the centre of town.", True),
        ({"fact": "stars", "above": 3}, "a 4-star hotel", True),
        ({"fact": "outdoor_seating", "is": True}, "It has outdoor seating.", True),
        ({"fact": "outdoor_seating", "is": True}, "It does not have outdoor seating.", False),
        ({"fact": "parking", "is": True}, "a nice place", None),
    ],
)
def test_conditions(condition: dict[str, Any], text: str, answer: bool | None) -> None:
    assert condition_holds(condition, text) is answer


def test_what_a_place_lacks_and_what_was_never_asked_for() -> None:
    assert missing_features({"parking": True, "wifi": True}, "It has wifi, but no parking.") == ["parking"]
    assert missing_features({"parking": False}, "It has no parking.") == []
    assert unrequested_constraints({"area": "east"}, "I can't find any expensive Japanese restaurant.") == ["price"]
    assert unrequested_constraints({"price": "expensive"}, "I can't find any expensive Japanese restaurant.") == []


@given(st.text(max_size=300))
def test_any_text_is_understood_somehow(text: str) -> None:
    meaning = interpret(text)
    assert meaning.not_understood or meaning.text
    assert not (meaning.booked and meaning.full)
