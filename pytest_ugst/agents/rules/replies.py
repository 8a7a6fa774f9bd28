"""The user's replies to the agent's last question: yes, no, "whatever" and bare numbers."""

from __future__ import annotations

from pytest_ugst.agents.rules.bookings import BOOKING_DETAILS
from pytest_ugst.agents.rules.lexicon import BOOKING_SLOTS, SLOTS, search_slot
from pytest_ugst.agents.rules.memory import Memory, Task, TaskUpdates
from pytest_ugst.agents.rules.nlu import UtteranceMeaning


def apply_reply(memory: Memory, meaning: UtteranceMeaning) -> TaskUpdates:
    """Apply yes, no and "whatever" to the current task; their meaning depends on what the last answer asked for.

    Bare numbers that answer a question are added to the slots of the utterance.
    """
    updates = TaskUpdates()
    task = memory.current
    if task is None or not memory.requested:
        return updates
    if "offer" in memory.requested:
        _answer_offer(task, meaning, updates)
    elif memory.requested[0] == "drop":
        _answer_drop(task, memory.requested[1:], meaning, updates)
    elif memory.requested[0] == "constraint":
        _answer_constraint(task, meaning, updates)
    elif "no" in meaning.intents and not _brings_news(meaning):
        _answer_no(task, memory.requested, updates)
    _read_bare_numbers(memory, meaning)
    return updates


def _answer_offer(task: Task, meaning: UtteranceMeaning, updates: TaskUpdates) -> None:
    """Apply the answer to "Shall I book it?"."""
    intents = meaning.intents
    if "no" in intents or ("nobook" in intents and "repeat" not in intents):
        _decline_offer(task, meaning, updates)
        updates.touched.append(task)
    elif "another" in intents and not any(s.kind and s.kind != task.kind for s in meaning.segments):
        task.reject_offer()
        updates.touched.append(task)
    elif _accepts_offer(task, meaning):
        task.book = task.accepted = True
        updates.touched.append(task)


def _decline_offer(task: Task, meaning: UtteranceMeaning, updates: TaskUpdates) -> None:
    """Apply a no to an offer: another one is wanted, or other constraints or details, or no booking at all."""
    intents = meaning.intents
    if "another" in intents:
        task.reject_offer()
    elif _changes_constraints(meaning, task):
        pass  # The search with the new constraints will tell.
    elif _details(meaning) and "nobook" not in intents:
        pass  # "No, make it Friday": about the details.
    elif task.book is True and "nobook" not in intents and not intents & {"closing", "thanks"}:
        task.reject_offer()
    else:
        task.book = False
        task.accepted = False
        if not any(s.requests for s in meaning.segments):
            updates.closed.append(task)


def _accepts_offer(task: Task, meaning: UtteranceMeaning) -> bool:
    """Return whether an utterance says yes to an offer, in so many words or by giving the details of a booking."""
    if any(s.names for s in meaning.segments):
        return False
    # A train's day is a constraint, not a detail.
    gives_details = bool(_details(meaning) & set(BOOKING_SLOTS[task.kind]))
    return _is_yes(meaning) or (gives_details and "question" not in meaning.intents)


def _answer_drop(task: Task, slots: tuple[str, ...], meaning: UtteranceMeaning, updates: TaskUpdates) -> None:
    """Apply the answer to "Shall I look again without regard to the price?"."""
    if _brings_news(meaning):
        return
    if _is_yes(meaning) or "anyway" in meaning.intents:
        for slot in slots:
            task.constraints.pop(slot, None)
        updates.touched.append(task)
    elif "no" in meaning.intents:
        updates.close(task)


def _answer_constraint(task: Task, meaning: UtteranceMeaning, updates: TaskUpdates) -> None:
    """Apply the answer to a question for a constraint to narrow the search by."""
    if meaning.intents & {"anyway", "no", "unknown"} or (_is_yes(meaning) and not _brings_news(meaning)):
        task.open_ended = True
        updates.touched.append(task)


def _answer_no(task: Task, requested: tuple[str, ...], updates: TaskUpdates) -> None:
    """Apply a bare no to any other question."""
    if task.action != "search":
        updates.close(task)
    elif set(requested) & {"day", "time", "people", "nights"}:
        task.book = task.accepted = False
        updates.close(task)


def _brings_news(meaning: UtteranceMeaning) -> bool:
    """Return whether an utterance says more than yes or no."""
    return any(
        s.kind or s.names or s.references or s.slots.values or s.slots.dropped or s.requests for s in meaning.segments
    )


def _is_yes(meaning: UtteranceMeaning) -> bool:
    intents = meaning.intents
    return "yes" in intents or ("weak_yes" in intents and not _brings_news(meaning) and "closing" not in intents)


def _details(meaning: UtteranceMeaning) -> set[str]:
    return {slot for s in meaning.segments for slot in s.slots.values if slot in BOOKING_DETAILS}


def _changes_constraints(meaning: UtteranceMeaning, task: Task) -> bool:
    """Return whether an utterance adds, changes or drops a constraint of a task."""
    given = [(search_slot(slot, task.kind), value) for s in meaning.segments for slot, value in s.slots.values.items()]
    return any(slot in SLOTS[task.kind] and task.constraints.get(slot) != value for slot, value in given) or any(
        s.slots.dropped for s in meaning.segments
    )


def _read_bare_numbers(memory: Memory, meaning: UtteranceMeaning) -> None:
    """Read "4" as the answer to "for how many people?", and "2 and 4" as that to two such questions in their order."""
    wanted = [slot for slot in memory.requested if slot in ("nights", "people")]
    segment = meaning.segments[0]
    open_slots = [slot for slot in wanted if slot not in segment.slots.values]
    taken = [v for s in meaning.segments for v in s.slots.values.values()]
    numbers = [n for n in meaning.numbers if n not in taken]
    asks_time = memory.requested == ("time",) and "time" not in segment.slots.values
    if asks_time and len(numbers) == 1 and 0 < numbers[0] < 24:
        segment.slots.values["time"] = f"{'~' if numbers[0] < 12 else ''}{numbers[0]:02}:00"
    if open_slots and len(numbers) == len(open_slots) and len(segment.text.split()) <= 12:
        segment.slots.values.update(zip(open_slots, numbers, strict=True))
