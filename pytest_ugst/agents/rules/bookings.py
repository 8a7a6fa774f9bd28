"""Tracking of existing bookings: which one the user means, and what is to be done with it."""

from __future__ import annotations

import re
from typing import Any

from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.nlu import Segment

BOOKING_DETAILS = ("day", "time", "people", "nights")
"""Slots of a booking, beside its place."""
_CHANGES = re.compile(r"\b(?:change|modify|amend|reschedul\w+)\b")
_THAT = re.compile(r"\b(?:it|that|this|last)\b")


def track_booking(memory: Memory, segment: Segment) -> Task | None:
    """Return the change, cancellation or look-up a segment is about, a new task if need be; None if it is about none.

    A search that is cancelled before anything is booked is settled.
    """
    current = memory.current
    open_task = current if current and current.action != "search" and not current.settled else None
    own = _own_booking(memory, segment)
    action = _named_action(memory, segment, open_task)
    if action in ("change", "cancel") and not _concerns_booking(action, current, segment, own):
        if action == "cancel" and current is not None and not segment.kind:
            current.settled = True
            current.book = False
        action = None
    if action is None:
        return open_task if open_task and _continues(open_task, segment) else None
    references = segment.references or ([own["reference"]] if own else [])
    if open_task and not (references and open_task.reference and references[-1] != open_task.reference):
        if action != "lookup":
            open_task.action = action
        return open_task
    task = Task(kind=segment.kind or (own["kind"] if own else "restaurant"), action=action)
    if references:
        task.reference = references[-1]
    memory.tasks.append(task)
    return task


def _named_action(memory: Memory, segment: Segment, open_task: Task | None) -> str | None:
    """Return the action on a booking that a segment asks for, going by its words alone."""
    if "cancel" in segment.intents:
        return "cancel"
    if "change" in segment.intents:
        return "change"
    if open_task is not None:
        return None
    if _corrects(memory, segment):
        return "change"
    return "lookup" if segment.references else None


def _concerns_booking(action: str, current: Task | None, segment: Segment, own: dict[str, Any] | None) -> bool:
    """Return whether a change or cancellation is about a booking, rather than about a search or nothing at all.

    Args:
        action: ``change`` or ``cancel``.
        current: The current task.
        segment: The segment that seems to ask for it.
        own: The booking made in this conversation that the segment may mean.
    """
    explicit = bool(segment.references) or "manage" in segment.intents
    if action == "change" and not explicit and not _names_details(segment) and not _CHANGES.search(segment.text):
        return False  # "my shift ends at six"
    searching = current is not None and current.action == "search" and not current.reference
    if not explicit and own is None and (searching or (current is None and action == "change")):
        return False
    not_booked_yet = searching and current is not None and current.offer and not segment.references and own is None
    return not (action == "change" and not_booked_yet)


def _continues(task: Task, segment: Segment) -> bool:
    """Return whether a segment that names no action goes on with an open change, cancellation or look-up."""
    return (segment.kind in (None, task.kind) or "manage" in segment.intents) and "book" not in segment.intents


def _corrects(memory: Memory, segment: Segment) -> bool:
    """Return whether the user, having booked, names another day, time or number: "actually, make it 5"."""
    current = memory.current
    if current is None or not current.reference or segment.names or segment.kind not in (None, current.kind):
        return False
    if "book" in segment.intents:
        made = next((b for b in memory.bookings if b["reference"] == current.reference), {})
        details = {slot: value for slot, value in segment.slots.values.items() if slot in made}
        return segment.kind is None and "another" not in segment.intents and bool(details.items() - made.items())
    return bool(segment.intents & {"instead", "change"}) and _names_details(segment)


def _names_details(segment: Segment) -> bool:
    return any(slot in BOOKING_DETAILS for slot in segment.slots.values) or bool(segment.slots.increments)


def _own_booking(memory: Memory, segment: Segment) -> dict[str, Any] | None:
    """Return the booking made in this conversation that a segment means."""
    if len(memory.bookings) > 1 and not (segment.names or segment.kind or _THAT.search(segment.text)):
        return None
    made: dict[str, Any]
    for made in reversed(memory.bookings):
        if segment.names:
            if made.get("name") in segment.names or made.get("train_id") in segment.names:
                return made
        elif segment.kind in (None, made["kind"]):
            return made
    return None
