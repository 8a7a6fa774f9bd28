"""Which existing booking a user means, and what is to become of it: part of the rule-based agent's update."""

from __future__ import annotations

import re
from typing import Any

from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.nlu import Stretch

DETAILS = ("day", "time", "people", "nights")
"""What a booking consists of, beside its place."""
_CHANGES = re.compile(r"\b(?:change|modify|amend|reschedul\w+)\b")
_THAT = re.compile(r"\b(?:it|that|this|last)\b")


def manage(memory: Memory, stretch: Stretch) -> Task | None:
    """The change, cancellation or look-up a stretch is about, if it is."""
    current = memory.current
    open_manage = current if current and current.action != "search" and not current.settled else None
    action = "cancel" if "cancel" in stretch.intents else "change" if "change" in stretch.intents else None
    if action is None and open_manage is None:
        action = "change" if _corrects(memory, stretch) else "lookup" if stretch.references else None
    about = bool(stretch.references) or "manage" in stretch.intents
    own = _own_booking(memory, stretch)
    if action == "change" and not about and not _names_details(stretch) and not _CHANGES.search(stretch.text):
        action = None  # "my shift ends at six"
    if action in ("change", "cancel") and not about and own is None:
        if current and current.action == "search" and not current.reference:
            if action == "cancel" and not stretch.kind:
                current.settled = True
                current.book = False
            action = None
        elif current is None and action == "change":
            action = None
    if action == "change" and current and current.action == "search" and current.offer and not current.reference \
            and not stretch.references and own is None:  # fmt: skip
        action = None  # changing what is not booked yet
    if action is None:
        if (
            open_manage
            and (stretch.kind in (None, open_manage.kind) or "manage" in stretch.intents)
            and "book" not in stretch.intents
        ):
            return open_manage
        return None
    references = stretch.references or ([own["reference"]] if own else [])
    if open_manage and not (references and open_manage.reference and references[-1] != open_manage.reference):
        if action != "lookup":
            open_manage.action = action
        return open_manage
    task = Task(kind=stretch.kind or (own["kind"] if own else "restaurant"), action=action)
    if references:
        task.reference = references[-1]
    memory.tasks.append(task)
    return task


def _corrects(memory: Memory, stretch: Stretch) -> bool:
    """Whether the user, having booked, names another day, time or number: "actually, make it 5"."""
    current = memory.current
    if current is None or not current.reference or stretch.names or stretch.kind not in (None, current.kind):
        return False
    if "book" in stretch.intents:
        made = next((b for b in memory.bookings if b["reference"] == current.reference), {})
        details = {slot: value for slot, value in stretch.slots.values.items() if slot in made}
        return stretch.kind is None and "another" not in stretch.intents and bool(details.items() - made.items())
    return bool(stretch.intents & {"instead", "change"}) and _names_details(stretch)


def _names_details(stretch: Stretch) -> bool:
    return any(slot in DETAILS for slot in stretch.slots.values) or bool(stretch.slots.more)


def _own_booking(memory: Memory, stretch: Stretch) -> dict[str, Any] | None:
    """The booking made in this conversation that the stretch means."""
    if len(memory.bookings) > 1 and not (stretch.names or stretch.kind or _THAT.search(stretch.text)):
        return None
    made: dict[str, Any]
    for made in reversed(memory.bookings):
        if stretch.names:
            if made.get("name") in stretch.names or made.get("train_id") in stretch.names:
                return made
        elif stretch.kind in (None, made["kind"]):
            return made
    return None
