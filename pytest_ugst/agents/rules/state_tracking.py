"""From what was said to what is to be done: updates the rule-based agent's tasks with a user's utterance."""

from __future__ import annotations

import re
from typing import Any

from pytest_ugst.agents.rules.bookings import DETAILS, manage
from pytest_ugst.agents.rules.lexicon import BOOKING_SLOTS, CITIES, SLOTS
from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.nlu import Stretch, UtteranceMeaning
from pytest_ugst.agents.rules.slot_values import Slots
from pytest_ugst.domains.concierge.data import place_key, places

_SHARED = ["phone", "address", "postcode", "area", "price", "free_days"]
FACTS = {
    "restaurant": [*_SHARED, "hours", "cuisine", "outdoor_seating"],
    "hotel": [*_SHARED, "stars", "kind", "parking", "wifi", "breakfast"],
    "attraction": [*_SHARED, "hours", "entry_fee", "kind"],
    "train": ["price", "departs", "arrives", "minutes", "id", "seats_left"],
}
"""What can be told of each kind."""
_TELLING = {
    "cuisine": "restaurant",
    "outdoor_seating": "restaurant",
    "stars": "hotel",
    "house": "hotel",
    "nights": "hotel",
    "sight": "attraction",
}
"""Slots that tell which kind of thing is meant where the user does not say it."""
_KINDS = {place_key(record["name"]): table[:-1] for table, record in places()}


def take_in(memory: Memory, heard: UtteranceMeaning) -> list[Task]:
    """Update the tasks; returns those the utterance was about, in the order it named them."""
    before = memory.current
    touched: list[Task] = []
    closed: list[Task] = []
    _answer(memory, heard, touched, closed)
    held: list[Stretch] = []
    for stretch in heard.stretches:
        if _forgets(memory, stretch, touched, closed):
            continue
        task = manage(memory, stretch) or _search(memory, stretch)
        if task is None:
            held.append(stretch)
            continue
        changed = [_apply(memory, task, part, heard) for part in (*held, stretch)]
        held.clear()
        if any(changed) and task not in touched:
            touched.append(task)
    if touched:
        memory.current = touched[0]
        for task in touched:
            task.settled = task in closed
        if before is not None and before not in touched and before.book is not True and before.searched is not None:
            before.settled = True  # the user moved on
    return touched


def _answer(memory: Memory, heard: UtteranceMeaning, touched: list[Task], closed: list[Task]) -> None:
    """What yes, no and "whatever" mean depends on what was asked."""
    task = memory.current
    if task is None or not memory.asked:
        return
    said = heard.intents
    news = any(
        s.kind or s.names or s.references or s.slots.values or s.slots.dropped or s.asks for s in heard.stretches
    )
    yes = "yes" in said or ("weak_yes" in said and not news and "closing" not in said)
    named = any(s.names for s in heard.stretches)
    asked = memory.asked
    if "offer" in asked:
        details = _details(heard)
        if "no" in said or ("nobook" in said and "repeat" not in said):
            if "another" in said:
                task.pass_over()
            elif _wishes_in(heard, task):
                pass  # the search with the new wishes will tell
            elif details and "nobook" not in said:
                pass  # "No, make it Friday": about the details
            elif task.book is True and "nobook" not in said and not said & {"closing", "thanks"}:
                task.pass_over()
            else:
                task.book = False
                task.accepted = False
                if not any(s.asks for s in heard.stretches):
                    closed.append(task)
            touched.append(task)
        elif "another" in said and not any(s.kind and s.kind != task.kind for s in heard.stretches):
            task.pass_over()
            touched.append(task)
        elif (yes or (_accepts(task, details) and "question" not in said)) and not named:
            task.book = task.accepted = True
            touched.append(task)
    elif asked[0] == "drop":
        if (yes or "anyway" in said) and not news:
            for slot in asked[1:]:
                task.wishes.pop(slot, None)
            touched.append(task)
        elif "no" in said and not news:
            closed.append(task)
            touched.append(task)
    elif asked[0] == "wish":
        if "anyway" in said or "no" in said or "unknown" in said or (yes and not news):
            task.open_ended = True
            touched.append(task)
    elif "no" in said and task.action != "search" and not news:
        closed.append(task)
        touched.append(task)
    elif set(asked) & {"day", "time", "people", "nights"} and "no" in said and not news:
        task.book = task.accepted = False
        closed.append(task)
        touched.append(task)
    _bare_numbers(memory, heard)


def _forgets(memory: Memory, stretch: Stretch, touched: list[Task], closed: list[Task]) -> bool:
    """ "Forget about the hotel": whether the stretch gives up on a kind of thing."""
    if "forget" not in stretch.intents or not stretch.kind or stretch.slots.dropped:
        return False
    if not set(stretch.slots.values) <= {"house", "sight"}:
        return False
    for task in memory.tasks:
        if task.kind == stretch.kind and not task.settled:
            closed.append(task)
            touched.append(task)
    return True


def _details(heard: UtteranceMeaning) -> set[str]:
    return {slot for s in heard.stretches for slot in s.slots.values if slot in DETAILS}


def _accepts(task: Task, details: set[str]) -> bool:
    """Whether naming these answers "Shall I book it?" with yes; a train's day is a wish, not a detail."""
    return bool(details & set(BOOKING_SLOTS[task.kind]))


def _wishes_in(heard: UtteranceMeaning, task: Task) -> bool:
    return any(
        _wish_slot(slot, task.kind) in SLOTS[task.kind] and task.wishes.get(_wish_slot(slot, task.kind)) != value
        for s in heard.stretches
        for slot, value in s.slots.values.items()
    ) or any(s.slots.dropped for s in heard.stretches)


def _bare_numbers(memory: Memory, heard: UtteranceMeaning) -> None:
    """ "4" answers "for how many people?"; "2 and 4" answers two such questions in their order."""
    wanted = [slot for slot in memory.asked if slot in ("nights", "people")]
    stretch = heard.stretches[0]
    open_slots = [slot for slot in wanted if slot not in stretch.slots.values]
    taken = [v for s in heard.stretches for v in s.slots.values.values()]
    numbers = [n for n in heard.numbers if n not in taken]
    if memory.asked == ("time",) and "time" not in stretch.slots.values and len(numbers) == 1 and 0 < numbers[0] < 24:
        stretch.slots.values["time"] = f"{'~' if numbers[0] < 12 else ''}{numbers[0]:02}:00"
    if open_slots and len(numbers) == len(open_slots) and len(stretch.text.split()) <= 12:
        stretch.slots.values.update(zip(open_slots, numbers, strict=True))


def _search(memory: Memory, stretch: Stretch) -> Task | None:
    """The task a stretch is about, a new one if need be; None where it does not say."""
    current = memory.current
    kind = stretch.kind
    if stretch.names:
        name = stretch.names[-1]
        kind = "train" if name.startswith("TR") and name[2:].isdecimal() else _KINDS.get(place_key(name), kind)
    if kind is None:
        told = [_TELLING[slot] for slot in stretch.slots.values if slot in _TELLING]
        if {"origin", "destination"} <= set(stretch.slots.values):
            told.append("train")
        if (
            told
            and (current is None or current.action != "search" or told[0] != current.kind)
            and not _fits(current, stretch)
        ):
            kind = told[0]
        else:
            return current if current and (current.action == "search" or current.settled) else None
    wishes = any(_wish_slot(slot, kind) in SLOTS[kind] for slot in stretch.slots.values)
    for task in [t for t in (current, *reversed(memory.tasks)) if t and t.kind == kind and t.action == "search"]:
        if not task.settled and not task.reference:
            return task
        if stretch.names and task.offer in stretch.names:
            return task
        if not wishes and "book" not in stretch.intents and stretch.asks:
            return task
        if task.settled and not task.reference and stretch.intents & {"instead", "another", "book"} and task.offer:
            return task
        if task.reference and not wishes and "book" not in stretch.intents and "another" not in stretch.intents:
            return task
    task = _return_trip(memory, stretch) if kind == "train" else Task(kind=kind)
    memory.tasks.append(task)
    return task


def _return_trip(memory: Memory, stretch: Stretch) -> Task:
    """A new train task; "a return train" goes back where the last one came from."""
    task = Task(kind="train")
    last = next((t for t in reversed(memory.tasks) if t.kind == "train" and t.results), None)
    if last is not None and re.search(r"\b(?:return|back)\b", stretch.text):
        train = next((r for r in last.results if r["id"] == last.offer), last.results[0])
        task.wishes = {"origin": train["destination"], "destination": train["origin"]}
        task.booking = dict(last.booking)
    return task


def _fits(current: Task | None, stretch: Stretch) -> bool:
    if current is None:
        return False
    known = (*SLOTS[current.kind], *BOOKING_SLOTS[current.kind])
    return any(_wish_slot(slot, current.kind) in known for slot in stretch.slots.values)


def _wish_slot(slot: str, kind: str) -> str:
    """``sight`` and ``house`` are the ``kind`` of attractions and hotels."""
    if (slot, kind) in (("sight", "attraction"), ("house", "hotel")):
        return "kind"
    return slot if slot != "kind" else ""


def _apply(memory: Memory, task: Task, stretch: Stretch, heard: UtteranceMeaning) -> bool:
    """Write what a stretch says into its task; returns whether it says anything about it."""
    slots, said = stretch.slots, stretch.intents
    changed = bool(stretch.kind or stretch.names or stretch.references)
    if task.action != "search":
        return _apply_change(task, stretch) or changed
    changed |= _apply_details(task, slots)
    wishes = _wishes(memory, task, stretch)
    if "instead" in said and stretch.kind and wishes:
        task.fresh = dict(wishes)
    if wishes or slots.dropped & set(SLOTS[task.kind]) or slots.refused:
        changed = True
        task.wishes.update(wishes)
        for slot in slots.dropped:
            task.wishes.pop(slot, None)
        for slot, value in slots.refused:
            if task.wishes.get(_wish_slot(slot, task.kind)) == value:
                del task.wishes[_wish_slot(slot, task.kind)]
            task.refused.add((_wish_slot(slot, task.kind), value))
        if {"day", "kind"} & slots.dropped or "anyway" in said:
            task.open_ended = True
    if stretch.names:
        if task.offer != stretch.names[-1]:
            task.told.clear()
            task.accepted = False
        task.offer, task.named = stretch.names[-1], True
        task.passed = [name for name in task.passed if name != task.offer]
    elif task.second and task.offer and "second" in said:
        task.offer, task.second, task.named = task.second, task.offer, True
        changed = True
    elif task.passed and task.offer is None and "first" in said:
        task.offer, task.named = task.passed.pop(0), True
        changed = True
    elif "another" in said and task.offer and "offer" not in memory.asked and not wishes:
        task.pass_over()
        changed = True
    if "book" in said and "book" in heard.intents and task.reference is None:
        task.book = True
        task.accepted = task.offer is not None
        changed = True
    elif "nobook" in said and "repeat" not in said:
        task.book = task.accepted = False
        changed = True
    if "repeat" in said and task.reference is None and task.offer:
        task.reread = changed = True
    facts = [fact for fact in stretch.asks if fact in FACTS[task.kind] and fact not in task.asks]
    task.asks += facts
    return changed or bool(facts)


def _apply_details(task: Task, slots: Slots) -> bool:
    changed = False
    for slot in BOOKING_SLOTS[task.kind]:
        value = slots.values.get(slot)
        if value is not None and task.reference is None:
            task.booking[slot] = _evening(value) if slot == "time" else value
            changed = True
    if task.kind == "hotel" and "until" in slots.values:
        from pytest_ugst.domains.concierge.clock import DAYS

        stay = (DAYS.index(slots.values["until"]) - DAYS.index(slots.values["day"])) % 7
        task.booking["nights"] = stay or 7
        changed = True
    if task.kind == "train" and "time" in slots.values and not {"leave_after", "arrive_by"} & set(slots.values):
        task.at = slots.values["time"].lstrip("~")
        changed = True
    return changed


def _evening(time: str) -> str:
    """A vague "7:30" for dinner is in the evening."""
    if not time.startswith("~"):
        return time
    hour = int(time[1:3])
    return f"{hour + 12 if hour < 11 else hour:02}{time[3:]}"


def _wishes(memory: Memory, task: Task, stretch: Stretch) -> dict[str, Any]:
    values = dict(stretch.slots.values)
    if task.kind == "train":
        for slot in ("origin", "destination"):
            unknown = values.pop(f"unknown_{slot}", None)
            if unknown and slot not in values:
                values[slot] = unknown
        city = values.pop("city", None)
        if city and not {"origin", "destination"} & set(values):
            wrong = [slot for slot in ("origin", "destination") if task.wishes.get(slot, CITIES[0]) not in CITIES]
            missing = [slot for slot in ("destination", "origin") if slot not in task.wishes]
            values[(wrong or missing or ["destination"])[0]] = city
    found = {}
    for slot, value in values.items():
        name = _wish_slot(slot, task.kind)
        if name in SLOTS[task.kind]:
            found[name] = value.lstrip("~") if isinstance(value, str) else value
    return found


def _apply_change(task: Task, stretch: Stretch) -> bool:
    if stretch.references:
        task.reference = stretch.references[-1]
    if task.action == "lookup" and ("change" in stretch.intents or "cancel" in stretch.intents):
        task.action = "change" if "change" in stretch.intents else "cancel"
    given = {slot: value for slot, value in stretch.slots.values.items() if slot in DETAILS}
    if "time" in given:
        given["time"] = _evening(given["time"])
    task.booking.update(given)
    task.more.update(stretch.slots.more)
    if given and task.action == "lookup":
        task.action = "change"
    return bool(given or stretch.slots.more or stretch.references or stretch.intents & {"change", "cancel", "lookup"})
