"""Verbalization of objectives by a grammar of templates: the second half of step 1, without a model.

Each sentence is one sub-component, or the part of an objective that says what it is about, so that a goal's
sub-components are known by construction.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pytest_ugst.domains.multiwoz.challenge import phrases
from pytest_ugst.domains.multiwoz.challenge.objectives import ObjectiveSpec, Slots

Sentence = tuple[str, Slots]
"""A sentence, and the constraints that it states."""


@dataclass(slots=True)
class WordedObjective:
    """An objective in sentences."""

    objective: str
    """The objective's own sentence."""
    slots: Slots = field(default_factory=dict)
    """Constraints that the objective's own sentence states."""
    follow_up: str = ""
    """A second sentence of the objective, after the requirements: when to switch to the alternative."""
    requirements: list[Sentence] = field(default_factory=list)
    preferences: list[Sentence] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Return all sentences in the order of the goal's text."""
        follow_up = [self.follow_up] if self.follow_up else []
        wishes = [text for text, _ in self.preferences]
        return [self.objective, *(text for text, _ in self.requirements), *follow_up, *wishes]


def verbalize(objective: ObjectiveSpec, rng: random.Random) -> WordedObjective:
    """Draw one of the many ways to put an objective into sentences."""
    return _TemplateWriter(rng).write(objective)


_FIND: Final = (
    "You want to find {thing}", "You are looking for {thing}", "You would like to visit {thing}",
    "You hope to find {thing}", "You want the agent to find you {thing}",
)  # fmt: skip
_LEARN: Final = (
    " and want to know {facts}", " and would like to learn {facts}", "; find out {facts}", ", and you need {facts}",
    "; make sure you get {facts}", " and want to note down {facts}",
)  # fmt: skip
_ABOUT: Final = (
    "You want to find out {facts} of {name}", "You have heard of {name} and want to know {its}",
    "You need {facts} of {name}", "Somebody told you about {name}, and you want to know {its}",
    "{name} was recommended to you; find out {its}", "You plan to go to {name} and want {its}",
)  # fmt: skip
_BOOK: Final = {
    "restaurant": (
        "You want to book a table at {thing}", "You need to book a table at {thing}",
        "You would like to reserve a table at {thing}", "You want the agent to book you a table at {thing}",
        "You mean to eat at {thing} and want a table booked",
    ),
    "hotel": (
        "You want a room at {thing} booked", "You need to book a room at {thing}", "You need to book {thing}",
        "You would like to reserve a room at {thing}", "You want the agent to book you a room at {thing}",
        "You want the agent to book you {thing}",
        "You would like to reserve {thing}", "You still have nowhere to sleep and want to book {thing}",
    ),
    "train": (
        "You want to book {thing}", "You need to book seats on {thing}",
        "You would like to reserve seats on {thing}", "You want the agent to book you {thing}",
    ),
}  # fmt: skip
_LOOK_FOR: Final = ("Look for {thing}", "You are looking for {thing}", "You want to find {thing}")
_LOOK_AT: Final = (
    "You are interested in {thing}", "Ask about {thing}", "You want to hear about {thing}", "You have {thing} in mind",
)  # fmt: skip
_ALSO: Final = ("; ask for {facts} as well", ", and you want to know {facts} too", "; make sure to get {facts}, too")
_EITHER: Final = (
    "Either way you want to know {facts}.", "Whichever it is, you want to know {facts}.",
    "Ask for {facts} in any case.",
)  # fmt: skip
_SWITCH: Final = (
    "If {condition}, change your mind and look for {other} instead.", "But if {condition}, ask for {other} instead.",
    "Should it turn out that {condition}, look for {other} instead.",
    "If {condition}, though, you would rather {take} {other}.",
)  # fmt: skip
_AREA: Final = (
    "It has to be in the {area}.", "It must be in the {area} of town.", "Only the {area} will do.",
    "You insist that it is in the {area}.", "The {noun} should be located in the {area}.",
)  # fmt: skip
_ONE: Final[dict[str, tuple[str, ...]]] = {
    "price": ("It has to be {price}.", "You insist on {a_price} one.", "It must be in the {range} price range."),
    "stars": ("It must have {stars} stars.", "You only accept {stars} stars.", "It has to be rated {stars} stars."),
    "parking": ("It needs to have free parking.", "Free parking is a must.", "There must be parking for your car."),
    "wifi": ("It has to offer free wifi.", "You cannot do without wifi.", "Wifi is a must."),
    "free_entry": ("Entry has to be free.", "It must not cost anything to get in.", "You insist on free entry."),
    "leave_after": ("It must not leave before {time}.", "You can leave at {time} at the earliest.",
                    "The train has to leave at {time} or later."),
    "arrive_by": ("You have to be there by {time}.", "It must arrive by {time}.",
                  "The train has to arrive at {time} at the latest."),
}  # fmt: skip
_WISH: Final = (
    "Ideally it would {be}.", "If possible, it should {be}.", "You would prefer it to {be}, but that is not a must.",
    "It would be nice if it could {be}.",
    "You would like it to {be}, though you can do without.",
)  # fmt: skip


class _TemplateWriter:
    """Writer of one objective's sentences; each choice between templates is drawn."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def write(self, objective: ObjectiveSpec) -> WordedObjective:
        if objective.condition.get("full"):
            return self._with_another_day(objective)
        lead = self._lead(objective)
        thing = phrases.described(objective.what, lead)
        ask = phrases.facts(objective.what, objective.ask) if objective.ask else ""
        follow_up = ""
        if objective.condition:
            begin = _LOOK_AT if "name" in objective.want else _LOOK_FOR
            text, follow_up = self._pick(begin).format(thing=thing), self._switch(objective, ask)
        elif objective.intent == "book":
            named = objective.what == "hotel" and "name" in objective.want
            ways = [way for way in _BOOK[objective.what] if ("room at" in way) is named or objective.what != "hotel"]
            text = self._pick(ways).format(thing=thing)
            text += self._pick(_ALSO).format(facts=ask) if ask else ""
        elif "name" in objective.want:
            text = self._pick(_ABOUT).format(
                its=ask,
                facts=phrases.facts(objective.what, objective.ask, "the"),
                name=phrases.called(objective.want["name"]),
            )
            text = text[:1].upper() + text[1:]
        else:
            visited = objective.what == "attraction" and "tour" not in thing
            finds = [way for way in _FIND if visited or "visit" not in way]
            text = self._pick(finds).format(thing=thing) + self._pick(_LEARN).format(facts=ask)
        rest = {name: value for name, value in objective.want.items() if name not in lead}
        requirements = self._requirements(objective, rest, phrases.noun(objective.what, lead))
        if objective.terms:
            requirements.append((self._terms(objective), objective.terms))
        wishes = [(self._wish(objective, name, value), {name: value}) for name, value in objective.wish.items()]
        return WordedObjective(f"{text}.", lead, follow_up, requirements, wishes)

    def _pick(self, choices: list[str] | tuple[str, ...]) -> str:
        return self._rng.choice(choices)

    def _lead(self, objective: ObjectiveSpec) -> Slots:
        """Draw the constraints that the objective's own sentence states; at least one is left for a requirement."""
        want = objective.want
        if "name" in want:
            return dict(want)
        if objective.what == "attraction" and "kind" in want:
            return {"kind": want["kind"]}
        if objective.what == "train" and len(want) > 2 and self._rng.random() < 0.5:
            return {name: want[name] for name in ("destination",) if name in want}
        lead = {"restaurant": "cuisine", "hotel": "kind"}.get(objective.what, "")
        if lead in want and len(want) > 1 and self._rng.random() < 0.6:
            return {lead: want[lead]}
        return {}

    def _switch(self, objective: ObjectiveSpec, ask: str) -> str:
        """Write the follow-up sentences: when to switch to the alternative, and what to ask either way."""
        assert objective.other is not None
        other = phrases.described(objective.what, objective.other.want)
        if objective.what == "train":
            other = f"one that {other.split(' that ')[1]}"
        switches = [s for s in _SWITCH if not objective.condition.get("none") or "turn out" not in s]
        text = self._pick(switches).format(
            condition=phrases.condition(objective.what, objective.condition),
            other=other,
            take={"attraction": "see", "train": "take"}.get(objective.what, "have"),
        )
        return f"{text} {self._pick(_EITHER).format(facts=ask)}"

    def _with_another_day(self, objective: ObjectiveSpec) -> WordedObjective:
        """Write a booking with another day for the case that the place is full."""
        assert objective.other is not None
        day, another = (part.terms["day"].capitalize() for part in (objective, objective.other))
        name = phrases.called(objective.want["name"])
        if objective.what == "restaurant":
            begin = self._pick((f"Book a table at {name} on {day}", f"You want a table at {name} on {day}"))
        else:
            begin = self._pick((f"Book a stay at {name} from {day}", f"You want to stay at {name} from {day}"))
        switch = self._pick((
            f"; if it is fully booked then, take {another} instead",
            f", and if there is no room that day, {another} will do instead",
            f". Should it be full, you change your plans and take {another}",
        ))  # fmt: skip
        terms = {key: value for key, value in objective.terms.items() if key != "day"}
        return WordedObjective(
            f"{begin}{switch}.", dict(objective.want), "", [(self._terms(objective, dated=False), terms)]
        )

    def _requirements(self, objective: ObjectiveSpec, want: Slots, noun: str) -> list[Sentence]:
        """Write the requirements, some of them with two constraints, in drawn order."""
        if objective.what == "train":
            return self._ride(want)
        sentences: list[Sentence] = []
        left = dict(want)
        joined: list[tuple[set[str], Callable[[], str]]] = [
            ({"cuisine", "area"}, lambda: self._cuisine_and_area(left)),
            ({"price", "area"}, lambda: f"It has to be {phrases.a(_PRICED[left['price']])} one in the {left['area']}."
             if objective.what == "hotel" else self._price_and_area(left)),
        ]  # fmt: skip
        for names, sentence in joined:
            if names <= left.keys() and self._rng.random() < 0.4:
                sentences.append((sentence(), {name: left[name] for name in want if name in names}))
                left = {name: value for name, value in left.items() if name not in names}
        sentences += [(self._one(name, value, noun), {name: value}) for name, value in left.items()]
        self._rng.shuffle(sentences)
        return sentences

    def _cuisine_and_area(self, slots: Slots) -> str:
        area = slots["area"]
        if slots["cuisine"] == "gastropub":
            return f"It has to be a gastropub in the {area}."
        food = phrases.food(slots["cuisine"])
        return self._pick((
            f"It must serve {food} and be in the {area}.",
            f"It has to serve {food}, and it has to be in the {area}.",
        ))  # fmt: skip

    def _price_and_area(self, slots: Slots) -> str:
        price = _PRICED[slots["price"]]
        return self._pick((
            f"It has to be {price} and in the {slots['area']}.",
            f"You insist on {phrases.a(price)} place in the {slots['area']}.",
        ))  # fmt: skip

    def _one(self, name: str, value: object, noun: str) -> str:
        """Write a requirement of one constraint."""
        if name == "area":
            return self._pick(_AREA).format(area=value, noun=noun)
        if name == "cuisine":
            if value == "gastropub":
                return "It has to be a gastropub."
            food = phrases.food(str(value))
            return self._pick((f"It has to serve {food}.", f"It must be a place for {food}.",
                               f"You will only eat {food} there."))  # fmt: skip
        if name == "kind":
            other = {"hotel": "guesthouse", "guesthouse": "hotel"}.get(str(value))
            return f"It must be {phrases.a(str(value))}" + (f" and not {phrases.a(other)}." if other else ".")
        if name == "price":
            word = _PRICED[str(value)]
            return self._pick(_ONE["price"]).format(price=word, a_price=phrases.a(word), range=value)
        if name == "stars":
            return self._pick(_ONE["stars"]).format(stars=phrases.number(int(str(value))))
        return self._pick(_ONE[name]).format(time=value)

    def _ride(self, want: Slots) -> list[Sentence]:
        """Write the requirements of a train."""
        left = dict(want)
        sentences: list[Sentence] = []
        if "day" in left and self._rng.random() < 0.4:
            route = _two(left, *(name for name in ("origin", "destination", "day") if name in left))
            left = {name: value for name, value in left.items() if name not in route}
            sentences.append((f"It has to go{phrases.ridden(route)}.", route))
        elif route := _two(left, *(name for name in ("origin", "destination") if name in left)):
            left = {name: value for name, value in left.items() if name not in route}
            verb = self._pick(("It has to go", "You want to go", "The train should run"))
            sentences.append((f"{verb}{phrases.ridden(route)}.", route))
        if "day" in left:
            day = left.pop("day")
            sentence = self._pick(("You travel on {day}.", "The day has to be {day}.", "It must be on {day}."))
            sentences.append((sentence.format(day=day.capitalize()), {"day": day}))
        if len(left) == 2 and self._rng.random() < 0.4:
            after, by = left["leave_after"], left["arrive_by"]
            return [*sentences, (f"It has to leave at {after} or later and arrive by {by}.", left)]
        return sentences + [(self._one(name, value, "train"), {name: value}) for name, value in left.items()]

    def _terms(self, objective: ObjectiveSpec, dated: bool = True) -> str:
        """Write the terms of a booking; without its day unless ``dated``."""
        terms = objective.terms
        count = terms["people"]
        people = phrases.number(count) + (" person" if count == 1 else " people")
        day = f" on {terms['day'].capitalize()}" if "day" in terms and dated else ""
        if objective.what == "restaurant":
            at = f"{day} at {terms['time']}"
            alone = (f"You need a table for one{at}.", f"The table is just for you,{at}.")
            return self._pick((
                f"The table is for {people}{at}.", f"The booking is for {people}{at}.",
                f"There will be {phrases.number(count)} of you{at}." if count > 1 else self._pick(alone),
            ))  # fmt: skip
        if objective.what == "hotel":
            count_nights = terms["nights"]
            nights = phrases.number(count_nights) + (" night" if count_nights == 1 else " nights")
            start = f" from {terms['day'].capitalize()}" if dated else ""
            return self._pick((
                f"The stay is for {people} and {nights}{start}.",
                f"You need a room for {people} for {nights}{start}.",
                f"There are {phrases.number(count)} of you, and you stay for {nights}{start}." if count > 1
                else f"You need it for yourself alone, for {nights}{start}.",
            ))  # fmt: skip
        return self._pick((
            f"You need {phrases.number(count)} {'seat' if count == 1 else 'seats'}.", f"The booking is for {people}.",
            f"You need tickets for {people}." if count > 1 else "You need a ticket for one person.",
        ))  # fmt: skip

    def _wish(self, objective: ObjectiveSpec, name: str, value: object) -> str:
        """Write a preference."""
        be = {
            "area": f"be in the {value}",
            "price": "be in the expensive price range" if value == "expensive" else f"be {_PRICED.get(str(value), '')}",
            "cuisine": f"serve {phrases.food(str(value))}" if value != "gastropub" else "be a gastropub",
            "kind": f"be {phrases.a(str(value))}",
            "stars": f"have {phrases.number(value)} stars" if isinstance(value, int) else "",
            "parking": "have free parking",
            "wifi": "have free wifi",
            "free_entry": "be free to get in",
            "arrive_by": f"arrive by {value}",
        }[name]
        if name == "free_entry":
            return self._pick(("Free entry would be welcome.", "You would prefer not to pay for entry, if possible."))
        return self._pick(_WISH).format(be=be)


_PRICED: Final = {"cheap": "cheap", "moderate": "moderately priced", "expensive": "expensive"}


def _two(slots: Slots, *names: str) -> Slots:
    return {name: slots[name] for name in names}
