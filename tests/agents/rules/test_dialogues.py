"""Tests of whole conversations with the rule-based agent, and of what holds in every one of them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.agents.rules import RulesAgent, make
from pytest_ugst.core.chat import Chat
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import Agent, NoSession
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.domains.concierge import load
from pytest_ugst.domains.concierge.data import places
from pytest_ugst.domains.session import DomainSession

STAY = {"reference": "CQ-AAAAA", "kind": "hotel", "name": "Finch House", "day": "monday", "people": 2, "nights": 2}
SEATS = {"reference": "CQ-BBBBB", "kind": "train", "train_id": "TR1013", "people": 2}


class Talk:
    """A conversation under way."""

    def __init__(self, **data: Any) -> None:
        self.session: DomainSession = load().open(Goal(id="g", text="A goal.", data=data), seed=1)
        self.agent: Agent = RulesAgent()
        self.conversation = Conversation()

    def say(self, text: str) -> str:
        """Say something, and return the answer."""
        conversation = self.conversation.with_turn(Turn(user=text))
        answer = asyncio.run(self.agent.respond(conversation, self.session))
        self.conversation = self.conversation.with_turn(
            Turn(user=text, agent=answer.text, tool_calls=answer.tool_calls)
        )
        return answer.text

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of the last answer."""
        return self.conversation.turns[-1].tool_calls

    def called(self, name: str) -> dict[str, Any]:
        """The arguments of the only call of that tool in the last answer."""
        (call,) = [call for call in self.calls if call.name == name]
        return call.arguments

    @property
    def bookings(self) -> list[dict[str, Any]]:
        """The bookings in the database, as the tools show them."""
        edits = self.session.edits().get("bookings")
        return [dict(record) for record in edits.added.values()] if edits else []


def test_find_ask_and_book() -> None:
    talk = Talk()
    answer = talk.say("Hello! I'm looking for a cheap Italian restaurant in the north.")
    assert talk.called("search_restaurants") == {"price": "cheap", "cuisine": "italian", "area": "north"}
    assert "Gondola Yard, a cheap Italian restaurant in the north" in answer
    assert answer.endswith("Shall I book it for you?")
    answer = talk.say("What's the phone number and the address?")
    details = json.loads(talk.session.call("get_details", {"name": "Gondola Yard"}).text)
    assert details["phone"] in answer
    assert details["address"] in answer
    assert talk.bookings == []
    answer = talk.say("Yes please, book it for 4 people on Friday at 19:00.")
    assert talk.called("book_restaurant") == {"name": "Gondola Yard", "day": "friday", "time": "19:00", "people": 4}
    assert "booked" in answer
    assert f"reference is {talk.bookings[0]['reference']}" in answer
    assert "Quillhaven" in talk.say("Thank you, that's all. Bye!")


def test_missing_details_are_asked_for() -> None:
    talk = Talk()
    talk.say("Please book me a table at Lemon Cellar.")
    assert talk.say("Friday.") == "At what time and for how many people shall I book it?"
    assert talk.say("for three") == "At what time shall I book it?"
    talk.say("7:30")
    assert talk.called("book_restaurant") == {"name": "Lemon Cellar", "day": "friday", "time": "19:30", "people": 3}


def test_a_fully_booked_day_is_refused_and_another_booked() -> None:
    talk = Talk(full={"Lemon Cellar": ["friday"]})
    answer = talk.say("Book a table at Lemon Cellar for 2 people on Friday at 19:00.")
    assert "fully booked on Friday" in answer
    assert "Saturday" in answer
    assert not talk.calls[-1].ok
    assert talk.bookings == []
    answer = talk.say("What about Saturday?")
    assert "booked" in answer
    assert [b["day"] for b in talk.bookings] == ["saturday"]


def test_an_impossible_search_and_a_wish_given_up() -> None:
    talk = Talk()
    answer = talk.say("I need a Korean restaurant in the north.")
    assert "no restaurant matches" in answer
    assert json.loads(talk.calls[0].result)["count"] == 0
    talk.say("Then never mind the cuisine.")
    assert talk.called("search_restaurants") == {"area": "north"}
    talk = Talk()
    assert "no hotel matches" in talk.say("Is there an expensive hotel in the south?")
    talk.say("Yes, please.")
    assert talk.called("search_hotels") == {"kind": "hotel", "area": "south"}


def test_an_impossible_search_given_up_altogether() -> None:
    talk = Talk()
    talk.say("I want to visit a zoo in the west, and I need a train to Ashmere on Friday.")
    answer = talk.say("No, thanks.")
    assert "train TR" in answer
    assert talk.called("search_trains") == {"destination": "Ashmere", "day": "friday"}


def test_a_change_of_mind() -> None:
    talk = Talk()
    talk.say("I'm looking for a swimming pool in the centre.")
    answer = talk.say("Actually, I've changed my mind. Could you find me a park in the east instead?")
    assert talk.called("search_attractions") == {"kind": "park", "area": "east"}
    assert "a park in the east with free entry" in answer
    talk.say("Forget about the park. I'd like a guesthouse in the west.")
    assert talk.called("search_hotels") == {"kind": "guesthouse", "area": "west"}


def test_a_named_place_is_not_booked_once_the_wishes_turn_against_it() -> None:
    talk = Talk()
    talk.say("Tell me about Chez Odile.")
    talk.say("I'd rather book an Italian restaurant in the south, for 2 people on Monday at 20:00.")
    assert talk.called("search_restaurants") == {"cuisine": "italian", "area": "south"}
    assert talk.bookings == []


def test_an_acceptance_does_not_carry_over_to_another_place() -> None:
    talk = Talk()
    talk.say("A cheap restaurant in the centre, please.")
    talk.say("Yes please, book it, but it should be in the north.")
    assert talk.bookings == []
    assert talk.called("search_restaurants") == {"price": "cheap", "area": "north"}


def test_several_tasks_in_one_utterance_are_all_remembered() -> None:
    talk = Talk()
    answer = talk.say(
        "I'd like a moderately priced hotel with parking in the west, a museum with free entry in the north and a "
        "train from Dunmarsh to Quillhaven on Monday."
    )
    assert talk.called("search_hotels") == {"price": "moderate", "parking": True, "area": "west", "kind": "hotel"}
    assert "Regent Quay Hotel" in answer
    answer = talk.say("No booking, thanks. What is the postcode?")
    assert "The postcode of Regent Quay Hotel" in answer
    assert talk.called("search_attractions") == {"kind": "museum", "free_entry": True, "area": "north"}
    answer = talk.say("No.")
    assert talk.called("search_trains") == {"origin": "Dunmarsh", "destination": "Quillhaven", "day": "monday"}
    assert "booked" in talk.say("Yes, two tickets please.")
    assert [b["kind"] for b in talk.bookings] == ["train"]


def test_change_and_cancel_a_booking() -> None:
    talk = Talk(bookings=[STAY, SEATS])
    assert "reference" in talk.say("I need to change a booking.")
    assert "What would you like to change" in talk.say("It's CQ-AAAAA.")
    answer = talk.say("Move it from Monday to Wednesday and add one more person.")
    assert talk.called("change_booking") == {"reference": "CQ-AAAAA", "day": "wednesday", "people": 3}
    assert "changed" in answer
    assert "CQ-AAAAA" in answer
    answer = talk.say("And please cancel cq-bbbbb.")
    assert "CQ-BBBBB is cancelled" in answer
    assert [b["reference"] for b in talk.bookings] == ["CQ-AAAAA"]
    assert "can't find a booking with the reference CQ-CCCCC" in talk.say("Can you look up my booking CQ-CCCCC?")


def test_a_change_that_is_refused_changes_nothing() -> None:
    talk = Talk(bookings=[STAY], full={"Finch House": ["tuesday"]})
    assert "fully booked on Tuesday" in talk.say("Please move my booking CQ-AAAAA to Tuesday.")
    assert talk.bookings[0]["day"] == "monday"
    assert "changed" in talk.say("Then Wednesday.")
    assert talk.bookings[0]["day"] == "wednesday"


def test_corrections_after_booking() -> None:
    talk = Talk()
    talk.say("Book Lemon Cellar for 2 people on Sunday at 7pm.")
    assert "changed" in talk.say("Actually, make it 5 people.")
    assert talk.bookings[0]["people"] == 5
    assert "cancelled" in talk.say("Sorry, please cancel the booking.")
    assert talk.bookings == []


def test_a_booking_is_moved_when_the_user_books_it_again_for_another_day() -> None:
    talk = Talk()
    talk.say("Book Lemon Cellar for 2 people on Sunday at 7pm.")
    assert "changed" in talk.say("Hm, book it for Thursday then.")
    assert [b["day"] for b in talk.bookings] == ["thursday"]


def test_a_stay_is_extended() -> None:
    talk = Talk(bookings=[STAY])
    talk.say("I have a reservation at Finch House, reference CQ-AAAAA. I'd like to extend my stay by one night.")
    assert talk.called("change_booking") == {"reference": "CQ-AAAAA", "nights": 3}


def test_which_of_two_bookings_is_asked() -> None:
    talk = Talk()
    talk.say("Book Lemon Cellar for 2 people on Sunday at 7pm.")
    talk.say("Book Heron Park for 2 people on Sunday.")
    assert "What is the reference" in talk.say("I need to cancel a booking.")
    assert len(talk.bookings) == 2
    assert "Lemon Cellar" in talk.say(talk.bookings[0]["reference"])
    assert [b["name"] for b in talk.bookings] == ["Heron Park"]


def test_a_change_of_mind_keeps_the_wishes_that_can_be_kept() -> None:
    talk = Talk()
    talk.say("Are there any free museums in the centre?")
    assert "Lyceum Mirabel, a theatre in the centre" in talk.say("Do you have any theatres instead?")


def test_details_are_repeated_before_booking_on_demand() -> None:
    talk = Talk()
    talk.say("Please find me a vegetarian restaurant in the east.")
    answer = talk.say("Yes, for 3 people on Friday at 19:30, but please repeat the details before you book.")
    assert "Green Thimble on Friday at 19:30 for 3 people" in answer
    assert talk.bookings == []
    assert "booked" in talk.say("Yes, that's correct.")
    assert len(talk.bookings) == 1


def test_the_reference_is_repeated() -> None:
    talk = Talk()
    talk.say("Book Lemon Cellar for 2 people on Sunday at 7pm.")
    assert talk.bookings[0]["reference"] in talk.say("Could you repeat the reference number?")


def test_another_option_and_back_to_the_first() -> None:
    talk = Talk()
    first = talk.say("I want to see a castle in the south.")
    assert "Castle Brannoch" in first
    assert "I'd suggest Corvane Castle" in talk.say("Is there another one?")
    assert "no other castle" in talk.say("Anything else?")
    talk.say("Then book the first one for two people on Sunday.")
    assert talk.called("book_attraction")["name"] == "Castle Brannoch"


def test_a_train_without_seats_is_not_sold() -> None:
    talk = Talk()
    answer = talk.say("I need a train to Port Sallow on Wednesday after 3pm.")
    assert "fully booked" in answer
    answer = talk.say("Yes.")
    assert talk.called("search_trains") == {"destination": "Port Sallow", "day": "wednesday"}
    assert "Shall I book it" in answer


def test_a_return_train_goes_back() -> None:
    talk = Talk()
    talk.say("Two tickets for a train to Brindleford on Friday, please.")
    talk.say("Yes, book it.")
    talk.say("And a return train on Sunday.")
    assert talk.called("search_trains") == {"origin": "Brindleford", "destination": "Quillhaven", "day": "sunday"}


def test_talk_about_oneself_is_no_order() -> None:
    talk = Talk()
    answer = talk.say("Hi, I'm Ada, a train driver from Ashmere, and I love museums.")
    assert talk.calls == ()
    assert "welcome" in answer


def test_small_talk_and_nonsense() -> None:
    talk = Talk()
    for text in ("asdf", "", "?!", "🤷"):
        assert "I'm sorry, I didn't catch that" in talk.say(text)
    talk.say("A cheap hotel in the west, please.")
    assert talk.say("Bananas.").startswith("I'm sorry, I didn't catch that. Shall I book")


def test_other_domains_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="name another agent with --ugst-agent"):
        asyncio.run(RulesAgent().respond(Conversation(turns=(Turn(user="Hi"),)), NoSession()))


def test_make_takes_no_argument() -> None:
    def chat(name: str, role: str) -> Chat:
        raise AssertionError("no model is needed")

    assert make(None, RoleContext(chat=chat)).name == "rules"
    with pytest.raises(UsageError, match="takes no argument"):
        make("fast", RoleContext(chat=chat))


NAMES = [record["name"] for _, record in places()]
SENTENCES = st.sampled_from(
    [
        "I need a cheap restaurant in the north.",
        "Find me a hotel with parking and a free museum in the east.",
        "I'd like a train to Ashmere on Friday.",
        "A train from Corrowby, please.",
        "Book Lemon Cellar on Friday at 19:00 for 4.",
        "Book train TR9999 for 2 people.",
        "Tell me about Heron Park.",
        "Yes.",
        "Yes please, book it.",
        "No.",
        "No, something else.",
        "The second one.",
        "Saturday at 20:00 for 2 people and 3 nights.",
        "4",
        "Any price is fine.",
        "Forget about the hotel.",
        "I want to change my booking.",
        "CQ-AAAAA",
        "Cancel it, please.",
        "Move it to Tuesday.",
        "Actually, make it 5 people.",
        "What is the phone number, and how much is it?",
        "Could you repeat the details before you book?",
        "In the south instead.",
        "I don't mind.",
        "I don't know.",
        "Thanks, bye!",
    ]
)


@given(st.lists(SENTENCES | st.text(max_size=30), max_size=10))
def test_in_every_conversation_the_agent_keeps_to_its_tools(texts: list[str]) -> None:
    """The agent never fails, names no place, number or reference that no tool returned, and books only what it may."""
    talk = Talk(bookings=[STAY, SEATS], full={"Lemon Cellar": ["friday"]})
    known, ids = "", []
    for text in texts:
        answer = talk.say(text)
        assert answer
        known += text.lower() + " ".join(call.result for call in talk.calls).lower()
        ids += [call.id for call in talk.calls]
        for said in [name for name in NAMES if name in answer] + re.findall(r"CQ-\w{5}|TR\d{4}|0555 \d+", answer):
            assert said.lower() in known
        assert ("it is booked" in answer) == any(c.ok and c.name.startswith("book_") for c in talk.calls)
        assert ("been changed" in answer) == any(c.ok and c.name == "change_booking" for c in talk.calls)
        assert ("is cancelled" in answer) == any(c.ok and c.name == "cancel_booking" for c in talk.calls)
    assert len(set(ids)) == len(ids)


@given(st.lists(SENTENCES, max_size=6))
def test_the_same_words_get_the_same_answers(texts: list[str]) -> None:
    one, other = Talk(bookings=[STAY]), Talk(bookings=[STAY])
    assert [one.say(text) for text in texts] == [other.say(text) for text in texts]
