"""Planted faults: the five ways in which simulators fail their goals, done on purpose.

The patterns are those of Table 1 in "Goal Alignment in LLM-Based User Simulators for Conversational AI". A harness that
grades simulators has to be shown to catch bad ones; these are bad in a known way.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.simulators.agenda.user_goal import BOOKING, Slots, UserGoal

FAULTS: Final = (
    "confusion",
    "contradiction",
    "wrongful_termination",
    "poor_length_management",
    "misprioritization",
)

_CITIES: Final = ("Ashmere", "Brindleford", "Corrowby", "Dunmarsh", "Thornvale")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AREAS: Final = ("north", "south", "east", "west", "centre")
SMALL_TALK: Final = (
    "Lovely weather today, by the way.",
    "I had such a long morning, you would not believe it.",
    "My neighbour told me all sorts of things about this town.",
    "Let me think for a moment.",
    "Sorry, I was distracted. Where were we?",
    "You sound nice. Have you been doing this for long?",
    "I am not sure yet. Tell me more about the town first.",
    "I once got lost on the way to the station, it was quite a story.",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and how often it strikes."""

    name: str
    rate: float = 1.0
    """The probability that it strikes in an episode."""


def parse(argument: str | None) -> tuple[Fault, ...]:
    """Read ``confusion``, ``confusion@0.3`` or several, joined by ``+``.

    Raises:
        UsageError: For an unknown fault, a rate that is no probability, or a fault named twice.
    """
    if argument is None:
        return ()
    faults: list[Fault] = []
    for part in argument.split("+"):
        name, at, rate_text = (piece.strip() for piece in part.partition("@"))
        if name not in FAULTS:
            raise UsageError(f"agenda:{argument}: {unknown('fault', name, FAULTS)}")
        if any(fault.name == name for fault in faults):
            raise UsageError(f"agenda:{argument}: the fault {name!r} is named twice; name it once, with one rate")
        try:
            rate = float(rate_text) if at else 1.0
        except ValueError:
            rate = -1.0
        if not 0.0 <= rate <= 1.0:
            raise UsageError(
                f"agenda:{argument}: the rate {rate_text!r} is no probability; use 0 to 1, as in {name}@0.3"
            )
        faults.append(Fault(name, rate))
    return tuple(faults)


def strike(faults: Iterable[Fault], rng: random.Random) -> frozenset[str]:
    """Draw which faults strike in one episode."""
    return frozenset(fault.name for fault in faults if rng.random() < fault.rate)


def confuse(plan: UserGoal, rng: random.Random) -> str:
    """Mix up the errands of a plan, in place.

    Returns:
        What was mixed up.
    """
    notes = _confuse_bookings(plan, rng)
    places = [errand for errand in plan.errands if errand.intent in ("find", "book")]
    for first, second in pairwise(places):
        shared = [
            name
            for name in ("area", "people", "day", "time", "nights", "price")
            if _differ(first.want.get(name), second.want.get(name))
        ]
        for name in shared:
            first.want[name], second.want[name] = second.want[name], first.want[name]
        if shared:
            notes.append(f"swapped {', '.join(shared)} of {first.objective} and {second.objective}")
    for errand in places:
        droppable = sorted(set(errand.want) - {"name", "train_id", "kind"})
        if droppable and (len(notes) == 0 or rng.random() < 0.6):
            name = rng.choice(droppable)
            if name in BOOKING[errand.kind] and errand.kind != "train":
                # Without a value the agent would ask, and the user makes one up.
                errand.want[name] = _other(name, errand.want[name], rng)
                notes.append(f"mixed up {name} of {errand.objective}")
            else:
                del errand.want[name]
                notes.append(f"forgot {name} of {errand.objective}")
        if errand.wish and rng.random() < 0.7:
            notes.append(f"forgot the preference {', '.join(errand.wish)} of {errand.objective}")
            errand.wish.clear()
        if errand.intent == "book" and rng.random() < 0.35:
            errand.intent = "find"
            notes.append(f"only looked in {errand.objective} where a booking was asked for")
        elif errand.ask and rng.random() < 0.35:
            notes.append(f"forgot to ask for {', '.join(errand.ask)} in {errand.objective}")
            errand.ask.clear()
    return "; ".join(notes) or "nothing to confuse"


def _confuse_bookings(plan: UserGoal, rng: random.Random) -> list[str]:
    """Change what was to be cancelled, cancel what was to be changed, or take the wrong one of two bookings."""
    held = [errand for errand in plan.errands if errand.intent in ("change", "cancel")]
    if len(held) > 1 and _differ(held[0].reference, held[1].reference):
        held[0].reference, held[1].reference = held[1].reference, held[0].reference
        return [f"took the booking of {held[1].objective} for that of {held[0].objective}"]
    notes = []
    for errand in held:
        if errand.intent == "change":
            errand.intent = "cancel"
            notes.append(f"cancels in {errand.objective} what should be changed")
        else:
            errand.intent = "change"
            errand.want = {"people": rng.randint(2, 6)}
            notes.append(f"changes in {errand.objective} what should be cancelled")
    return notes


def _differ(first: object, second: object) -> bool:
    return first is not None and second is not None and first != second


def _other(name: str, value: object, rng: random.Random) -> object:
    """Another value for the same slot."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if value < 3 or rng.random() < 0.5 else value - 1
    choices = {"day": _DAYS, "area": _AREAS, "price": ("cheap", "moderate", "expensive"), "time": ("18:15", "20:45")}
    others = [other for other in choices.get(name, _CITIES) if other != value]
    return rng.choice(others)


def contradict_plan(plan: UserGoal, rng: random.Random) -> str | None:
    """Turn one constraint into another value, in place; None where the goal has none that could be turned."""
    errands = [errand for errand in plan.errands if set(errand.want) & {"area", "day", "people", "price", "nights"}]
    if not errands:
        return None
    errand = rng.choice(errands)
    name = rng.choice(sorted(set(errand.want) & {"area", "day", "people", "price", "nights"}))
    errand.want[name] = _other(name, errand.want[name], rng)
    return f"asks for another {name} in {errand.objective}"


def contradict_profile(profile: Slots, rng: random.Random) -> list[str]:
    """One sentence against each part of the profile that the agenda knows how to contradict."""
    said = []
    for name, value in profile.items():
        match name:
            case "name":
                said.append(rng.choice(["My name is Gus Pettifer, by the way.", "My name is Wilma Achterberg."]))
            case "city":
                city = rng.choice([city for city in _CITIES if city != value])
                said.append(f"I live in {city}, you know.")
            case "party":
                said.append("I am travelling alone, just me.")
            case "alone":
                said.append("My wife and the children are coming along as well.")
            case "car":
                said.append("I will come by car, so I have to park the car somewhere.")
            case "card":
                said.append("My card number is 4929 1187 3356 2041.")
            case "phone":
                said.append("My phone number is 0781 5542 9930.")
            case "diet":
                said.append("I love a good steak.")
            case "newcomer":
                said.append("I have been here before, last summer in fact.")
            case "job":
                said.append("I work as a pilot, by the way.")
            case _:
                continue
    return said


def break_policy(text: str, policy: Slots, rng: random.Random) -> str:
    """The utterance, so that it goes against one policy."""
    match policy.get("behaviour"):
        case "say_please":
            for word in (", please", "Please, ", "please ", "Please "):
                text = text.replace(word, "")
            return text[:1].upper() + text[1:]
        case "be_brief":
            rambling = " ".join(rng.sample(SMALL_TALK, 4))
            return f"{rambling} Anyway, as I was going to say before all of that came to my mind: {text}"
        case "no_exclamations":
            return f"{text.rstrip('.')}!"
        case "no_contractions":
            return f"{text} I'm sure that's fine, isn't it?"
        case "keep_secret":
            words = policy.get("words")
            return f"{text} It is about {words[0] if isinstance(words, list) and words else 'something secret'}."
        case "never_give_phone":
            return f"{text} My phone number is 0781 5542 9930."
        case "never_give_card":
            return f"{text} My card number is 4929 1187 3356 2041."
        case "one_thing_at_a_time":
            return f"{text} And I need a restaurant, a hotel room, a museum and a train as well."
        case _:
            return text


def unkept(policy: Slots) -> bool:
    """Whether a contradicting user leaves this policy out, rather than saying something against it."""
    return policy.get("behaviour") in ("ask_to_repeat_booking", "greet_first", "say_thanks", "read_back_reference")
