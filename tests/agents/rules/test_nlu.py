"""Tests of the rule-based agent's understanding of free English: slots, segments, intents, requested facts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ugst.agents.rules.nlu import MAX_READ, understand
from pytest_ugst.domains.concierge.data import places


def slot_values(text: str) -> dict[str, Any]:
    """Return the slot values of an utterance that is about one thing."""
    (segment,) = understand(text).segments
    return segment.slots.values


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("a cheap Italian restaurant in the north", {"price": "cheap", "cuisine": "italian", "area": "north"}),
        ("something moderately priced in the city center", {"price": "moderate", "area": "centre"}),
        ("a table for two on Friday at 7:30 pm", {"people": 2, "day": "friday", "time": "19:30"}),
        ("a table for four tomorrow at noon", {"people": 4, "day": "tuesday", "time": "12:00"}),
        ("there are 6 of us, half past eight", {"people": 6, "time": "~08:30"}),
        ("just me, for 3 nights from Thursday", {"people": 1, "nights": 3, "day": "thursday"}),
        ("from Monday to Thursday", {"day": "monday", "until": "thursday"}),
        ("a 4-star hotel with free parking and wi-fi", {"house": "hotel", "stars": 4, "parking": True, "wifi": True}),
        ("a guest house with breakfast", {"house": "guesthouse", "breakfast": True}),
        ("a free museum in the east", {"sight": "museum", "free_entry": True, "area": "east"}),
        ("feel free to pick any art gallery", {"sight": "gallery"}),
        ("a hotel with a pool", {"house": "hotel"}),
        ("a train from Port Sallow to Quillhaven", {"origin": "Port Sallow", "destination": "Quillhaven"}),
        ("a train to Ashmere, arriving by 12:00", {"destination": "Ashmere", "arrive_by": "12:00", "time": "12:00"}),
        ("not Chinese, I'd rather have Thai food", {"cuisine": "thai"}),
        ("a Tibetan restaurant", {"cuisine": "tibetan"}),
        ("that's a bit pricey, is there anything more affordable?", {"price": "cheap"}),
        ("please extend it by one night", {}),
        ("I'm a museum curator and I love parks", {}),
        ("Foundry Park", {}),
    ],
)
def test_slots(text: str, slots: dict[str, Any]) -> None:
    assert slot_values(text) == slots


def test_an_unknown_city_is_a_city() -> None:
    assert slot_values("I need a train to London")["unknown_destination"] == "London"


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("any price is fine", "price"),
        ("I don't care about the area", "area"),
        ("never mind the cuisine", "cuisine"),
        ("the price doesn't matter", "price"),
        ("I don't need parking", "parking"),
        ("no preference for the area", "area"),
        ("without outdoor seating", "outdoor_seating"),
    ],
)
def test_dropped_constraints(text: str, slot: str) -> None:
    (segment,) = understand(text).segments
    assert slot in segment.slots.dropped
    assert slot not in segment.slots.values


def test_several_tasks_are_told_apart() -> None:
    found = understand(
        "I need a cheap Indian restaurant in the south for 4 people on Friday and a 3-star guesthouse in the centre "
        "with wifi. Also, find me a train to Dunmarsh on Sunday."
    )
    assert [(s.kind, s.slots.values) for s in found.segments] == [
        ("restaurant", {"price": "cheap", "cuisine": "indian", "area": "south", "people": 4, "day": "friday"}),
        ("hotel", {"stars": 3, "house": "guesthouse", "area": "centre", "wifi": True}),
        ("train", {"destination": "Dunmarsh", "day": "sunday"}),
    ]


def test_what_comes_before_the_next_task_is_about_the_current_one() -> None:
    first, second = understand("Yes, for 4 people on Friday. I also need a hotel in the west.").segments
    assert (first.kind, first.slots.values) == (None, {"people": 4, "day": "friday"})
    assert (second.kind, second.slots.values) == ("hotel", {"house": "hotel", "area": "west"})


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("What's the phone number, the address and the post code?", {"phone", "address", "postcode"}),
        ("How much does it cost to get in?", {"price"}),
        ("what is the entrance fee", {"entry_fee"}),
        ("When does it open?", {"hours"}),
        ("What time does it leave and how long does it take?", {"departs", "minutes"}),
        ("Does it have parking?", {"parking"}),
        ("Is breakfast included?", {"breakfast"}),
        ("I won't tell you my phone number", set()),
        ("a train departing after 10:00", set()),
        ("in the cheap price range", set()),
    ],
)
def test_requested_facts(text: str, requests: set[str]) -> None:
    (segment,) = understand(text).segments
    assert set(segment.requests) == requests


@pytest.mark.parametrize(
    ("text", "intent", "there"),
    [
        ("Could you book it?", "book", True),
        ("Please don't book anything yet", "book", False),
        ("It says they are fully booked", "book", False),
        ("Yes please, go ahead", "yes", True),
        ("Sounds great!", "yes", True),
        ("No, thank you", "no", True),
        ("no preference", "no", False),
        ("Is there another one?", "another", True),
        ("cancel my booking", "cancel", True),
        ("What is the cancellation policy?", "cancel", False),
        ("I've changed my mind", "change", False),
        ("that's all, goodbye", "closing", True),
    ],
)
def test_intents(text: str, intent: str, there: bool) -> None:
    found = understand(text)
    intents = found.intents | {i for s in found.segments for i in s.intents if intent == "book"}
    if intent == "book":
        intents = {i for s in found.segments for i in s.intents}
    assert (intent in intents) is there


def test_names_references_and_trains_are_read_in_any_spelling() -> None:
    found = understand("move cq-7f3k2, and is “LEMON CELLAR” near tr1013?").segments
    assert [name for s in found for name in s.names] == ["Lemon Cellar", "TR1013"]
    assert [r for s in found for r in s.references] == ["CQ-7F3K2"]


def test_every_place_is_known_by_its_name() -> None:
    for table, record in places():
        (segment,) = understand(f"Tell me about {record['name']}.").segments
        assert (segment.kind, segment.names) == (table[:-1], [record["name"]])
        assert segment.slots.values == {}


TALK = (
    "book a table for two hotel not Friday at 7 pm train from to Ashmere CQ-7F3K2 TR1013 Lemon Cellar cheap north, and "
    "also . ? ! actually cancel change my booking no yes free parking with if otherwise 4 stars nights any"
)
WORDS = st.sampled_from(TALK.split())


@given(st.text() | st.lists(WORDS, max_size=30).map(" ".join))
@example("İ" * 40 + " hotel CQ-7F3K2")
@example("quarter to zero")
@example("at 99")
@example("@RIDE and @place, @ref")
@example("ﬁ²③ nights, ٣ people")
def test_any_text_can_be_read(text: str) -> None:
    assert understand(text).segments


def test_a_very_long_utterance_is_read_from_its_beginning() -> None:
    assert slot_values("a cheap hotel " + "x " * MAX_READ) == {"price": "cheap", "house": "hotel"}
