"""Dialogue state tracking of the rule-based agent: updates its tasks with a user's utterance."""

from __future__ import annotations

import re
from typing import Any

from pytest_ugst.agents.rules.bookings import BOOKING_DETAILS, track_booking
from pytest_ugst.agents.rules.lexicon import BOOKING_SLOTS, CITIES, SLOTS, search_slot
from pytest_ugst.agents.rules.memory import Memory, Task, TaskUpdates
from pytest_ugst.agents.rules.nlu import Segment, UtteranceMeaning
from pytest_ugst.agents.rules.replies import apply_reply
from pytest_ugst.agents.rules.slot_values import SlotValues
from pytest_ugst.domains.concierge.clock import DAYS
from pytest_ugst.domains.concierge.data import place_key, places

_SHARED = ["phone", "address", "postcode", "area", "price", "free_days"]
FACTS = {
    "restaurant": [*_SHARED, "hours", "cuisine", "outdoor_seating"],
    "hotel": [*_SHARED, "stars", "kind", "parking", "wifi", "breakfast"],
    "attraction": [*_SHARED, "hours", "entry_fee", "kind"],
    "train": ["price", "departs", "arrives", "minutes", "id", "seats_left"],
}
"""Facts the agent can tell, for each kind."""
_IMPLIED_KINDS = {
    "cuisine": "restaurant",
    "outdoor_seating": "restaurant",
    "stars": "hotel",
    "house": "hotel",
    "nights": "hotel",
    "sight": "attraction",
}
"""Kinds of things by a slot that implies them where the user does not name the kind."""
_KINDS = {place_key(record["name"]): table[:-1] for table, record in places()}


def update_tasks(memory: Memory, meaning: UtteranceMeaning) -> list[Task]:
    """Update the tasks with an utterance.

    Returns:
        The tasks the utterance is about, in the order it names them.
    """
    before = memory.current
    updates = apply_reply(memory, meaning)
    waiting: list[Segment] = []  # Segments that belong to the task of the next one that has a task.
    for segment in meaning.segments:
        if _gives_up(memory, segment, updates):
            continue
        task = track_booking(memory, segment) or _search_task(memory, segment)
        if task is None:
            waiting.append(segment)
            continue
        changed = [_update_task(memory, task, part, meaning) for part in (*waiting, segment)]
        waiting.clear()
        if any(changed) and task not in updates.touched:
            updates.touched.append(task)
    if updates.touched:
        memory.current = updates.touched[0]
        for task in updates.touched:
            task.settled = task in updates.closed
        if (
            before is not None
            and before not in updates.touched
            and before.book is not True
            and before.searched is not None
        ):
            before.settled = True  # The user moved on.
    return updates.touched


# The task a segment is about


def _gives_up(memory: Memory, segment: Segment, updates: TaskUpdates) -> bool:
    """Return whether a segment gives up on a kind of thing ("Forget about the hotel"); if so, its tasks are closed."""
    if "forget" not in segment.intents or not segment.kind or segment.slots.dropped:
        return False
    if not set(segment.slots.values) <= {"house", "sight"}:
        return False
    for task in memory.tasks:
        if task.kind == segment.kind and not task.settled:
            updates.close(task)
    return True


def _search_task(memory: Memory, segment: Segment) -> Task | None:
    """Return the search a segment is about, a new one if need be; None where it does not say."""
    current = memory.current
    kind = _kind(segment, current)
    if kind is None:
        return current if current and (current.action == "search" or current.settled) else None
    constrains = any(search_slot(slot, kind) in SLOTS[kind] for slot in segment.slots.values)
    for task in (current, *reversed(memory.tasks)):
        if task and task.kind == kind and task.action == "search" and _is_about(segment, task, constrains):
            return task
    task = _return_trip(memory, segment) if kind == "train" else Task(kind=kind)
    memory.tasks.append(task)
    return task


def _kind(segment: Segment, current: Task | None) -> str | None:
    """Return the kind of thing a segment looks for; None where it goes on with the current task."""
    kind = segment.kind
    if segment.names:
        name = segment.names[-1]
        kind = "train" if name.startswith("TR") and name[2:].isdecimal() else _KINDS.get(place_key(name), kind)
    if kind is not None:
        return kind
    implied = [_IMPLIED_KINDS[slot] for slot in segment.slots.values if slot in _IMPLIED_KINDS]
    if {"origin", "destination"} <= set(segment.slots.values):
        implied.append("train")
    if not implied or _fits(current, segment):
        return None
    goes_on = current is not None and current.action == "search" and implied[0] == current.kind
    return None if goes_on else implied[0]


def _is_about(segment: Segment, task: Task, constrains: bool) -> bool:
    """Return whether a segment is about a search of its kind, rather than about a new one.

    Args:
        segment: The segment.
        task: The search.
        constrains: Whether the segment gives constraints to search by.
    """
    intents = segment.intents
    if not task.settled and not task.reference:
        return True
    if segment.names and task.offer in segment.names:
        return True
    if not constrains and "book" not in intents and segment.requests:
        return True
    if task.settled and not task.reference and intents & {"instead", "another", "book"} and task.offer:
        return True
    return bool(task.reference) and not constrains and "book" not in intents and "another" not in intents


def _return_trip(memory: Memory, segment: Segment) -> Task:
    """Return a new train task; "a return train" goes back where the last one came from."""
    task = Task(kind="train")
    last = next((t for t in reversed(memory.tasks) if t.kind == "train" and t.results), None)
    if last is not None and re.search(r"\b(?:return|back)\b", segment.text):
        train = next((r for r in last.results if r["id"] == last.offer), last.results[0])
        task.constraints = {"origin": train["destination"], "destination": train["origin"]}
        task.booking = dict(last.booking)
    return task


def _fits(current: Task | None, segment: Segment) -> bool:
    """Return whether a segment has a value for a slot of the current task."""
    if current is None:
        return False
    known = (*SLOTS[current.kind], *BOOKING_SLOTS[current.kind])
    return any(search_slot(slot, current.kind) in known for slot in segment.slots.values)


# What a segment says about its task


def _update_task(memory: Memory, task: Task, segment: Segment, meaning: UtteranceMeaning) -> bool:
    """Write what a segment says into its task; return whether it says anything about it."""
    changed = bool(segment.kind or segment.names or segment.references)
    if task.action != "search":
        return _update_change(task, segment) or changed
    changed |= _update_details(task, segment.slots)
    constraints = _constraints(task, segment)
    changed |= _update_constraints(task, segment, constraints)
    changed |= _update_offer(memory, task, segment, bool(constraints))
    changed |= _update_decision(task, segment, meaning)
    facts = [fact for fact in segment.requests if fact in FACTS[task.kind] and fact not in task.requests]
    task.requests += facts
    return changed or bool(facts)


def _update_constraints(task: Task, segment: Segment, constraints: dict[str, Any]) -> bool:
    slots = segment.slots
    if "instead" in segment.intents and segment.kind and constraints:
        task.latest_constraints = dict(constraints)
    if not (constraints or slots.dropped & set(SLOTS[task.kind]) or slots.excluded):
        return False
    task.constraints.update(constraints)
    for slot in slots.dropped:
        task.constraints.pop(slot, None)
    for slot, value in slots.excluded:
        name = search_slot(slot, task.kind)
        if task.constraints.get(name) == value:
            del task.constraints[name]
        task.excluded.add((name, value))
    if {"day", "kind"} & slots.dropped or "anyway" in segment.intents:
        task.open_ended = True
    return True


def _update_offer(memory: Memory, task: Task, segment: Segment, constrains: bool) -> bool:
    """Put the place or train under discussion that a segment names or picks."""
    intents = segment.intents
    if segment.names:
        if task.offer != segment.names[-1]:
            task.mentioned.clear()
            task.accepted = False
        task.offer, task.named = segment.names[-1], True
        task.rejected = [name for name in task.rejected if name != task.offer]
    elif task.second_offer and task.offer and "second" in intents:
        task.offer, task.second_offer, task.named = task.second_offer, task.offer, True
    elif task.rejected and task.offer is None and "first" in intents:
        task.offer, task.named = task.rejected.pop(0), True
    elif "another" in intents and task.offer and "offer" not in memory.requested and not constrains:
        task.reject_offer()
    else:
        return False
    return True


def _update_decision(task: Task, segment: Segment, meaning: UtteranceMeaning) -> bool:
    """Note whether the user wants a booking, and the details repeated before."""
    intents = segment.intents
    changed = False
    if "book" in intents and "book" in meaning.intents and task.reference is None:
        task.book = True
        task.accepted = task.offer is not None
        changed = True
    elif "nobook" in intents and "repeat" not in intents:
        task.book = task.accepted = False
        changed = True
    if "repeat" in intents and task.reference is None and task.offer:
        task.confirm_first = changed = True
    return changed


def _update_details(task: Task, slots: SlotValues) -> bool:
    """Note the details of a booking, and the departure of a train."""
    changed = False
    for slot in BOOKING_SLOTS[task.kind]:
        value = slots.values.get(slot)
        if value is not None and task.reference is None:
            task.booking[slot] = _evening(value) if slot == "time" else value
            changed = True
    if task.kind == "hotel" and "until" in slots.values:
        stay = (DAYS.index(slots.values["until"]) - DAYS.index(slots.values["day"])) % 7
        task.booking["nights"] = stay or 7
        changed = True
    if task.kind == "train" and "time" in slots.values and not {"leave_after", "arrive_by"} & set(slots.values):
        task.departure = slots.values["time"].lstrip("~")
        changed = True
    return changed


def _evening(time: str) -> str:
    """Return a time as ``HH:MM``; a vague "7:30" for dinner is in the evening."""
    if not time.startswith("~"):
        return time
    hour = int(time[1:3])
    return f"{hour + 12 if hour < 11 else hour:02}{time[3:]}"


def _constraints(task: Task, segment: Segment) -> dict[str, Any]:
    """Return the constraints to search by that a segment gives."""
    values = _train_values(task, segment) if task.kind == "train" else segment.slots.values
    found = {}
    for slot, value in values.items():
        name = search_slot(slot, task.kind)
        if name in SLOTS[task.kind]:
            found[name] = value.lstrip("~") if isinstance(value, str) else value
    return found


def _train_values(task: Task, segment: Segment) -> dict[str, Any]:
    """Return the slot values of a segment, with a city it names put where one is missing or unknown."""
    values = dict(segment.slots.values)
    for slot in ("origin", "destination"):
        unknown = values.pop(f"unknown_{slot}", None)
        if unknown and slot not in values:
            values[slot] = unknown
    city = values.pop("city", None)
    if city and not {"origin", "destination"} & set(values):
        wrong = [slot for slot in ("origin", "destination") if task.constraints.get(slot, CITIES[0]) not in CITIES]
        missing = [slot for slot in ("destination", "origin") if slot not in task.constraints]
        values[(wrong or missing or ["destination"])[0]] = city
    return values


def _update_change(task: Task, segment: Segment) -> bool:
    """Write what a segment says into the task of changing, cancelling or looking up a booking."""
    if segment.references:
        task.reference = segment.references[-1]
    if task.action == "lookup" and ("change" in segment.intents or "cancel" in segment.intents):
        task.action = "change" if "change" in segment.intents else "cancel"
    given = {slot: value for slot, value in segment.slots.values.items() if slot in BOOKING_DETAILS}
    if "time" in given:
        given["time"] = _evening(given["time"])
    task.booking.update(given)
    task.increments.update(segment.slots.increments)
    if given and task.action == "lookup":
        task.action = "change"
    return bool(
        given or segment.slots.increments or segment.references or segment.intents & {"change", "cancel", "lookup"}
    )
