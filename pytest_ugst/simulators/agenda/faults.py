"""Planted faults: the five ways in which simulators fail their goals, done on purpose.

The patterns are those of Table 1 in "Goal Alignment in LLM-Based User Simulators for Conversational AI". A harness that
grades simulators has to be shown to catch bad ones; these are bad in a known way.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.simulators.agenda.user_goal import BOOKING, Slots, Subgoal, UserGoal

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
    """A fault and how often it occurs."""

    name: str
    rate: float = 1.0
    """The probability that it occurs in an episode."""


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


def draw_faults(faults: Iterable[Fault], rng: random.Random) -> frozenset[str]:
    """Draw the faults that occur in one episode; return their names."""
    return frozenset(fault.name for fault in faults if rng.random() < fault.rate)


def confuse(user_goal: UserGoal, rng: random.Random) -> str:
    """Mix up the subgoals of a goal, in place.

    Returns:
        A description of what was mixed up.
    """
    notes = _confuse_bookings(user_goal, rng)
    searches = [subgoal for subgoal in user_goal.subgoals if subgoal.intent in ("find", "book")]
    notes += _swap_constraints(searches)
    for subgoal in searches:
        if note := _confuse_constraint(subgoal, bool(notes), rng):
            notes.append(note)
        if subgoal.preferences and rng.random() < 0.7:
            notes.append(f"forgot the preference {', '.join(subgoal.preferences)} of {subgoal.objective}")
            subgoal.preferences.clear()
        if subgoal.intent == "book" and rng.random() < 0.35:
            subgoal.intent = "find"
            notes.append(f"only looked in {subgoal.objective} where a booking was asked for")
        elif subgoal.requests and rng.random() < 0.35:
            notes.append(f"forgot to ask for {', '.join(subgoal.requests)} in {subgoal.objective}")
            subgoal.requests.clear()
    return "; ".join(notes) or "nothing to confuse"


def _confuse_bookings(user_goal: UserGoal, rng: random.Random) -> list[str]:
    """Change what was to be cancelled, cancel what was to be changed, or take the wrong one of two bookings."""
    held = [subgoal for subgoal in user_goal.subgoals if subgoal.intent in ("change", "cancel")]
    if len(held) > 1 and _differ(held[0].reference, held[1].reference):
        held[0].reference, held[1].reference = held[1].reference, held[0].reference
        return [f"took the booking of {held[1].objective} for that of {held[0].objective}"]
    notes = []
    for subgoal in held:
        if subgoal.intent == "change":
            subgoal.intent = "cancel"
            notes.append(f"cancels in {subgoal.objective} what should be changed")
        else:
            subgoal.intent = "change"
            subgoal.constraints = {"people": rng.randint(2, 6)}
            notes.append(f"changes in {subgoal.objective} what should be cancelled")
    return notes


def _swap_constraints(subgoals: list[Subgoal]) -> list[str]:
    """Swap what differs between neighbouring subgoals."""
    notes = []
    for first, second in pairwise(subgoals):
        shared = [
            name
            for name in ("area", "people", "day", "time", "nights", "price")
            if _differ(first.constraints.get(name), second.constraints.get(name))
        ]
        for name in shared:
            first.constraints[name], second.constraints[name] = second.constraints[name], first.constraints[name]
        if shared:
            notes.append(f"swapped {', '.join(shared)} of {first.objective} and {second.objective}")
    return notes


def _confuse_constraint(subgoal: Subgoal, confused: bool, rng: random.Random) -> str | None:
    """Forget one constraint of a subgoal, or mix its value up.

    Args:
        subgoal: The subgoal, changed in place.
        confused: Whether something was mixed up already; if so, this happens by chance only.
        rng: Source of all choices.
    """
    droppable = sorted(set(subgoal.constraints) - {"name", "train_id", "kind"})
    if not droppable or (confused and rng.random() >= 0.6):
        return None
    name = rng.choice(droppable)
    if name in BOOKING[subgoal.kind] and subgoal.kind != "train":
        # Without a value the agent would ask, and the user makes one up.
        subgoal.constraints[name] = _other(name, subgoal.constraints[name], rng)
        return f"mixed up {name} of {subgoal.objective}"
    del subgoal.constraints[name]
    return f"forgot {name} of {subgoal.objective}"


def _differ(first: object, second: object) -> bool:
    return first is not None and second is not None and first != second


def _other(name: str, value: object, rng: random.Random) -> object:
    """Return another value for the same slot."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if value < 3 or rng.random() < 0.5 else value - 1
    choices = {"day": _DAYS, "area": _AREAS, "price": ("cheap", "moderate", "expensive"), "time": ("18:15", "20:45")}
    others = [other for other in choices.get(name, _CITIES) if other != value]
    return rng.choice(others)


def contradict_goal(user_goal: UserGoal, rng: random.Random) -> str | None:
    """Give one constraint another value, in place.

    Returns:
        A description of the change; None where the goal has no constraint that could be given another value.
    """
    changeable = {"area", "day", "people", "price", "nights"}
    subgoals = [subgoal for subgoal in user_goal.subgoals if set(subgoal.constraints) & changeable]
    if not subgoals:
        return None
    subgoal = rng.choice(subgoals)
    name = rng.choice(sorted(set(subgoal.constraints) & changeable))
    subgoal.constraints[name] = _other(name, subgoal.constraints[name], rng)
    return f"asks for another {name} in {subgoal.objective}"


_AGAINST_PROFILE: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("My name is Gus Pettifer, by the way.", "My name is Wilma Achterberg."),
    "party": ("I am travelling alone, just me.",),
    "alone": ("My wife and the children are coming along as well.",),
    "car": ("I will come by car, so I have to park the car somewhere.",),
    "card": ("My card number is 4929 1187 3356 2041.",),
    "phone": ("My phone number is 0781 5542 9930.",),
    "diet": ("I love a good steak.",),
    "newcomer": ("I have been here before, last summer in fact.",),
    "job": ("I work as a pilot, by the way.",),
}
"""Sentences against a part of the profile, by slot; any of them will do."""


def contradict_profile(profile: Slots, rng: random.Random) -> list[str]:
    """Return a sentence against each part of the profile that the agenda knows how to contradict."""
    sentences = (_contradict_slot(name, value, rng) for name, value in profile.items())
    return [sentence for sentence in sentences if sentence is not None]


def _contradict_slot(name: str, value: Any, rng: random.Random) -> str | None:
    if name == "city":
        city = rng.choice([city for city in _CITIES if city != value])
        return f"I live in {city}, you know."
    choices = _AGAINST_PROFILE.get(name, ())
    # A choice of one would change the state of the generator.
    return rng.choice(choices) if len(choices) > 1 else next(iter(choices), None)


def break_policy(text: str, policy: Slots, rng: random.Random) -> str:
    """Return a message changed so that it goes against a policy; unchanged where the agenda knows no such change."""
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


def is_kept_by_doing(policy: Slots) -> bool:
    """Return whether a policy is broken by leaving something out, rather than by saying something against it."""
    return policy.get("behaviour") in ("ask_to_repeat_booking", "greet_first", "say_thanks", "read_back_reference")
