"""Natural language generation of a rule-based user: templates for its dialogue acts."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_ugst.simulators.agenda.user_goal import Slots, Subgoal

NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NOUNS: Final = {"restaurant": "restaurant", "hotel": "place to stay", "attraction": "attraction", "train": "train"}
_EXTRAS: Final = {
    "outdoor_seating": "outdoor seating",
    "parking": "parking",
    "wifi": "wifi",
    "breakfast": "breakfast included",
    "free_entry": "free entry",
}
_FACTS: Final = {
    "phone": "phone number",
    "entry_fee": "entry fee",
    "price": "price",
    "opens": "opening hours",
    "closes": "closing time",
    "departs": "departure time",
    "arrives": "arrival time",
    "minutes": "travel time in minutes",
    "area": "area",
    "stars": "number of stars",
    "outdoor_seating": "outdoor seating",
}
_ANY: Final = {
    "area": "Any area is fine.",
    "price": "Any price is fine.",
    "cuisine": "Any cuisine is fine.",
    "kind": "Any kind is fine.",
    "stars": "The number of stars does not matter.",
    "day": "I have no particular day in mind.",
    "time": "I have no particular time in mind.",
}
_CONTRACTIONS: Final = (
    (r"\bI am\b", "I'm"),
    (r"\bI would\b", "I'd"),
    (r"\bI will\b", "I'll"),
    (r"\bthat is\b", "that's"),
    (r"\bThat is\b", "That's"),
    (r"\bdo not\b", "don't"),
    (r"\bdoes not\b", "doesn't"),
    (r"\bWe would\b", "We'd"),
    (r"\bwe will\b", "we'll"),
    (r"\bWe are\b", "We're"),
    (r"\bit is\b", "it's"),
    (r"\bIt is\b", "It's"),
)


def contract(text: str) -> str:
    """Return a text with the contractions of spoken English. The templates have none."""
    for long, short in _CONTRACTIONS:
        text = re.sub(long, short, text)
    return text


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Return words as a list in a sentence: ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _a(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _named(value: Any) -> str:
    return str(value).capitalize()


def _where(area: Any) -> str:
    return f"in the {area}"


class TemplateNlg:
    """Templates for the user's dialogue acts.

    Where there are several ways to say something, a random generator chooses: the same state of it gives the same
    words.
    """

    def __init__(self, rng: random.Random) -> None:
        """Choose words with ``rng``."""
        self._rng = rng

    def pick(self, *choices: str) -> str:
        """Return one of the choices."""
        return self._rng.choice(choices)

    def greeting(self, name: str | None) -> str:
        """Greet the agent."""
        hello = self.pick("Hello.", "Hi there.", "Good morning.", "Hello there.", "Hi.")
        if name and self._rng.random() < 0.5:
            return f"{hello[:-1]}, this is {name}."
        return hello

    def noun_phrase(self, kind: str, slots: Mapping[str, Any]) -> str:
        """Return a noun phrase: ``a cheap Italian restaurant with outdoor seating in the north``."""
        if kind == "train":
            return f"a train{self.route(slots)}"
        if slots.get("name"):
            return str(slots["name"])
        before = [str(slots["price"])] if slots.get("price") else []
        if slots.get("stars"):
            before.append(f"{slots['stars']}-star")
        if slots.get("cuisine"):
            cuisine = str(slots["cuisine"])
            before.append(cuisine if cuisine in ("seafood", "vegetarian") else cuisine.capitalize())
        noun = str(slots.get("kind") or _NOUNS[kind])
        extras = [words for name, words in _EXTRAS.items() if slots.get(name) is True]
        extras += [f"no {words}" for name, words in _EXTRAS.items() if slots.get(name) is False]
        text = _a(" ".join([*before, noun]))
        if extras:
            text += f" with {listed(extras)}"
        return f"{text} {_where(slots['area'])}" if slots.get("area") else text

    def route(self, slots: Mapping[str, Any]) -> str:
        """Say where and when a train should go."""
        text = f" {slots['train_id']}" if slots.get("train_id") else ""
        text += f" from {slots['origin']}" if slots.get("origin") else ""
        text += f" to {slots['destination']}" if slots.get("destination") else ""
        text += f" on {_named(slots['day'])}" if slots.get("day") else ""
        after, by = slots.get("leave_after"), slots.get("arrive_by")
        text += f" leaving after {after}" if after else ""
        return text + (f"{' and' if after else ''} arriving by {by}" if by else "")

    def booking(self, slots: Mapping[str, Any]) -> str:
        """Say what a booking needs: ``for 4 people on Friday at 19:00``."""
        text = ""
        if slots.get("people"):
            text += " for 1 person" if slots["people"] == 1 else f" for {slots['people']} people"
        if slots.get("nights"):
            text += " for 1 night" if slots["nights"] == 1 else f" for {slots['nights']} nights"
            text += f" from {_named(slots['day'])}" if slots.get("day") else ""
        elif slots.get("day"):
            text += f" on {_named(slots['day'])}"
        return text + (f" at {slots['time']}" if slots.get("time") else "")

    def opening(self, subgoal: Subgoal, first: bool, booking: Slots) -> str:
        """Bring up a subgoal.

        Args:
            subgoal: The subgoal.
            first: Whether it is the first one, so that it needs no transition.
            booking: The constraints on the booking that are stated right away.
        """
        required = subgoal.search_slots(with_preferences=False)
        what = self.noun_phrase(subgoal.kind, {n: v for n, v in required.items() if v is not None})
        lead = "" if first else self.pick("Next, ", "Then ", "I also have something else: ", "Another thing: ")
        if subgoal.intent == "cancel":
            ask = self.pick(
                "I need to cancel my booking", "please cancel my booking", "I would like to cancel the booking"
            )
            return self._start(f"{lead}{ask} {subgoal.reference}.")
        if subgoal.intent == "change":
            ask = self.pick(
                "I need to change my booking", "I would like to change my booking", "please change my booking"
            )
            return self._start(f"{lead}{ask} {subgoal.reference}: {self.change(subgoal.booking_slots())}.")
        named = bool(subgoal.constraints.get("name") or subgoal.constraints.get("train_id"))
        if subgoal.intent == "find" or subgoal.condition.get("fact"):
            if named:
                ask = self.pick(
                    "I have a question about", "I would like to know something about", "please tell me about"
                )
            else:
                ask = self.pick("I am looking for", "can you find me", "I need", "please find me", "do you know")
            end = "?" if ask.startswith(("can", "do")) else "."
            return self._start(f"{lead}{ask} {what}{end}")
        if named:
            ask = self.pick("I would like to book", "please book", "I want to book")
        else:
            ask = self.pick("I am looking for", "I need", "I would like to book", "can you book me", "please book me")
        end = "?" if ask.startswith("can") else "."
        text = self._start(f"{lead}{ask} {what}")
        if not booking:
            return text + end
        if self._rng.random() < 0.5 or subgoal.kind == "train" or required.get("area"):
            lead = self.pick("it is", "the booking is", "it would be")
            return f"{text}{end} {self._start(lead + self.booking(booking))}."
        return f"{text}{self.booking(booking)}{end}"

    def preference(self, subgoal: Subgoal, slots: Mapping[str, Any]) -> str:
        """State a preference, in words by which it can be given up."""
        lead = self.pick("I would prefer", "Ideally it is", "If possible, I would like")
        if subgoal.kind == "train":
            route = self.route(slots).replace(" leaving", "one leaving").replace(" arriving", "one arriving")
            return f"{lead} {route.strip()}."
        return f"{lead} {self.noun_phrase(subgoal.kind, slots).replace('place to stay', 'place')}."

    def change(self, slots: Mapping[str, Any]) -> str:
        """Say what a booking is to be changed to."""
        parts = [f"to {_named(slots['day'])}"] if slots.get("day") else []
        parts += [f"to {slots['time']}"] if slots.get("time") else []
        parts += [f"to {slots['people']} people"] if slots.get("people") else []
        parts += [f"to {slots['nights']} nights"] if slots.get("nights") else []
        return f"please change it {listed(parts)}"

    def inform(self, slots: Mapping[str, Any]) -> str:
        """Answer the agent's questions with the values of slots."""
        booking = self.booking({n: slots[n] for n in ("people", "nights", "day", "time") if n in slots}).strip()
        rest = [f"{value}" for name, value in slots.items() if name in ("cuisine", "price", "kind")]
        rest += [_where(slots["area"])] if "area" in slots else []
        rest += [f"with {words}" for name, words in _EXTRAS.items() if slots.get(name) is True]
        rest += [f"{slots['stars']} stars"] if "stars" in slots else []
        route = self.route(
            {n: v for n, v in slots.items() if n in ("origin", "destination", "leave_after", "arrive_by")}
        )
        sentences = [self._start(f"{words}.") for words in (booking, ", ".join(rest), route.strip()) if words]
        sentences += [str(slots[n]) for n in ("name", "train_id") if n in slots]
        sentences += [f"The reference is {slots['reference']}."] if "reference" in slots else []
        return " ".join(sentences)

    def no_matter(self, slot: str) -> str:
        """Answer that any value will do, since the goal does not say."""
        return _ANY.get(slot, "I have no preference there.")

    def unknown(self, slot: str) -> str:
        """Answer honestly that a piece of information is missing."""
        word = {"card": "card details", "phone": "phone number", "email": "email address", "user_name": "name"}.get(
            slot, slot
        )
        return self.pick(
            f"I do not have that information, so I can not give you a {word}.",
            f"I am afraid I do not have a {word} to give you.",
        ).replace("a card", "any card")

    def request(self, facts: Sequence[str]) -> str:
        """Ask for facts about the place or train that was found."""
        if facts == ["outdoor_seating"] or facts == ["parking"] or facts == ["wifi"]:
            return f"Does it have {_EXTRAS[facts[0]]}?"
        words = listed([_FACTS.get(fact, fact) for fact in facts])
        return self.pick(
            f"Could you tell me the {words}?", f"What is the {words}?", f"Can you give me the {words}?"
        ).replace("What is the opening hours", "What are the opening hours")

    def affirm(self) -> str:
        """Agree to a proposal."""
        return self.pick(
            "Yes, that sounds good.", "Yes, go ahead.", "That works.", "Yes, perfect.", "Sounds good, yes."
        )

    def book_it(self, slots: Slots) -> str:
        """Agree to a booking, and state the constraints on it."""
        lead = self.pick("Yes, please book it", "Please book it", "Great, please book that", "Yes, book it")
        return f"{lead}{self.booking(slots)}."

    def no_booking(self) -> str:
        """Decline to book, where the user is only looking."""
        return self.pick("No need to book it.", "No booking needed.", "I do not need a booking for that.")

    def drop(self, slots: Sequence[str], subgoal: Subgoal) -> str:
        """Give up preferences, and ask again."""
        what = self._required(subgoal)
        given_up = " ".join(_ANY.get(slot, f"Never mind the {_EXTRAS.get(slot, 'time')}.") for slot in slots)
        return f"{given_up} Is there {what}?"

    def insist_on(self, slots: Sequence[str], subgoal: Subgoal) -> str:
        """Refuse a place that lacks what has to be there."""
        what = self._required(subgoal)
        return f"No, it must have {listed([_EXTRAS[slot] for slot in slots])}. I need {what}."

    def look_again(self, subgoal: Subgoal, booking: Slots) -> str:
        """Ask the agent to look again, with every constraint, before giving up."""
        what = self._required(subgoal)
        lead = self.pick("Really, nothing?", "Are you sure?", "That is a pity.")
        return f"{lead} Could you check again for {what}{self.booking(booking)}?"

    def instead(self, slots: Slots) -> str:
        """Take what the goal allows in place of something fully booked."""
        return self.pick("Then", "In that case,") + f" please book it{self.booking(slots)} instead."

    def another(self, subgoal: Subgoal) -> str:
        """Ask for another place of the same kind."""
        what = self._required(subgoal)
        return f"Is there another one, {what}, that still has room{self.booking(subgoal.booking_slots())}?"

    def resigned(self) -> str:
        """Leave a subgoal that can't be reached."""
        return self.pick(
            "No, thank you, never mind then.", "No, that is a pity, but never mind.", "No, then I will do without."
        )

    def switch(self, subgoal: Subgoal, booking: Slots) -> str:
        """Turn to the alternative."""
        lead = self.pick("No, in that case I have changed my mind.", "No, then I would rather do something else.")
        return f"{lead} {self.opening(subgoal, True, booking)}"

    def rephrase(self, subgoal: Subgoal, booking: Slots) -> str:
        """State a subgoal again, in the plainest words."""
        if subgoal.intent == "cancel":
            return f"Please cancel booking {subgoal.reference}."
        if subgoal.intent == "change":
            return f"Please change booking {subgoal.reference}: {self.change(subgoal.booking_slots())}."
        verb = "find" if subgoal.intent == "find" else "book"
        lead = self.pick("I want to", "I would like to", "I need to")
        return f"{lead} {verb} {self.noun_phrase(subgoal.kind, subgoal.search_slots())}{self.booking(booking)}."

    def recap(self) -> str:
        """Ask for the bookings to be repeated."""
        return self.pick(
            "Before we finish, could you repeat the booking details for me?",
            "Could you repeat my booking details once more, so that I can be sure?",
            "Can you summarise and repeat what has been booked?",
        )

    def read_back(self, reference: str) -> str:
        """Repeat a reference to be sure."""
        return self.pick(f"So the reference is {reference}.", f"Let me note that down: {reference}.")

    def bye(self) -> str:
        """Thank the agent, and say goodbye."""
        return self.pick(
            "That is everything, thank you for your help.",
            "Thank you, that is all I needed. Goodbye.",
            "Thanks a lot, that was all. Have a nice day.",
            "That is all, thanks. Goodbye.",
        )

    def _required(self, subgoal: Subgoal) -> str:
        """Return a noun phrase for what is wanted, without preferences."""
        return self.noun_phrase(subgoal.kind, subgoal.search_slots(with_preferences=False))

    def _start(self, text: str) -> str:
        return text[:1].upper() + text[1:]
