"""Policy of the rule-based agent: tool calls and an answer for one task at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ugst.agents.rules import nlg
from pytest_ugst.agents.rules.lexicon import BOOKING_SLOTS
from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.tool_calls import RefusedCallError, ToolClient

_LEAST_IMPORTANT_FIRST = (
    "price", "breakfast", "wifi", "parking", "outdoor_seating", "free_entry", "stars", "arrive_by", "leave_after",
    "day", "area", "cuisine", "kind",
)  # fmt: skip
"""Constraints in the order in which they are given up."""
_PLACES = {"restaurant": "restaurants", "hotel": "hotels", "attraction": "attractions", "train": "trains"}


class RulesPolicy:
    """The decisions for one answer; what the answer asks for is noted in ``memory.requested``."""

    def __init__(self, memory: Memory, tool_client: ToolClient) -> None:
        """Decide for one answer.

        Args:
            memory: The state of the conversation.
            tool_client: Calls the session's tools.
        """
        self._memory = memory
        self._tool_client = tool_client

    def act(self, task: Task) -> list[str]:
        """Take a task as far as it goes without the user; return the sentences to say."""
        self._memory.requested = ()
        if task.action != "search":
            return self._manage(task)
        sentences = self._find(task)
        if task.offer is None or task.settled or self._memory.requested:
            return [*sentences, *self._facts(task)]
        if task.reference is None and task.accepted and task.book:
            return [*sentences, *self._facts(task), *self._book(task)]
        sentences += self._facts(task)
        if task.book is False or task.reference is not None:
            task.settled = True
        elif not task.mentioned & {"question"} or task.book:
            sentences.append(self._propose(task))
        else:
            task.settled = True
        return sentences

    # Finding

    def _find(self, task: Task) -> list[str]:
        """Search if the constraints changed since the last time, and offer what was found."""
        if task.named and task.offer:
            name = task.offer
            record = self._record(task, name) or self._details(task)
            if record is None:
                return [f"I'm sorry, I can't find {name}: no {task.kind} of that name."]
            if _satisfies(record, task.constraints):
                return self._describe_named(task, record)
            task.offer, task.named, task.accepted = None, False, False
        if task.searched == task.constraints and task.offer:
            return []
        if self._needs_constraints(task):
            return [self._constraint_question(task)]
        if task.searched != task.constraints:
            before = task.offer
            self._search(task, task.constraints)
            while task.count == 0 and (stale := self._least_important(task, keep=task.latest_constraints)):
                del task.constraints[stale]
                self._search(task, task.constraints)
            task.latest_constraints = {}
            task.mentioned.discard("question")
            if before and self._record(task, before) and before not in task.rejected:
                return [] if task.accepted else self._still_fits(task, before)
            task.offer, task.accepted = None, False
        return self._offer(task)

    def _needs_constraints(self, task: Task) -> bool:
        """Return whether to ask for more constraints before searching."""
        if task.kind == "train":
            there = {"origin", "destination"} & set(task.constraints)
            return not there or ("day" not in task.constraints and not task.open_ended)
        known = set(task.constraints) - ({"kind"} if task.kind == "hotel" else set())
        return not known and not task.open_ended and task.searched is None

    def _constraint_question(self, task: Task) -> str:
        """Ask for constraints to search by."""
        if task.kind != "train":
            self._memory.requested = ("constraint",)
        elif {"origin", "destination"} & set(task.constraints):
            self._memory.requested = ("constraint", "day")
        else:
            self._memory.requested = ("origin", "destination")
        return nlg.constraint_question(task.kind, task.constraints)

    def _search(self, task: Task, constraints: dict[str, Any]) -> None:
        task.searched = dict(constraints)
        found = self._tool_client.call(f"search_{_PLACES[task.kind]}", **constraints)
        task.results, task.count = found["results"], found["count"]

    def _record(self, task: Task, name: str) -> dict[str, Any] | None:
        return next((r for r in task.results if _name(r) == name), None)

    def _candidates(self, task: Task) -> list[dict[str, Any]]:
        """Return what can be offered, the best first: what the user picked, and trains that have seats."""
        found = [
            record
            for record in task.results
            if _name(record) not in task.rejected
            and not any(record.get(slot) == value for slot, value in task.excluded)
        ]
        if task.kind == "train":
            seats = task.booking.get("people", 1)
            found.sort(key=lambda r: (r["departs"] != task.departure, r["seats_left"] < seats))
        return found

    def _offer(self, task: Task) -> list[str]:
        found = self._candidates(task)
        if not found:
            return [self._no_match(task)]
        first = found[0]
        task.offer = _name(first)
        task.second_offer = _name(found[1]) if len(found) > 1 else None
        task.named = False
        words = nlg.describe(task.kind, first)
        if task.kind == "train" and first["seats_left"] < task.booking.get("people", 1):
            left = first["seats_left"]
            full = f"has only {left} seats left" if left else "is fully booked"
            return [f"There is only {words}, but it {full}. {self._ask_to_drop(task)}"]
        sentences = [f"There is {words}." if task.kind == "train" else f"I'd suggest {task.offer}, {words}."]
        if task.second_offer:
            other = nlg.describe(task.kind, found[1])
            sentences.append(f"Another option is {other if task.kind == 'train' else f'{task.second_offer}, {other}'}.")
        if task.count > 2:
            sentences.append(f"There are {task.count} matches in all.")
        return sentences

    def _still_fits(self, task: Task, name: str) -> list[str]:
        """Tell that the offer meets the new constraints too."""
        record = self._record(task, name)
        assert record is not None
        words = nlg.describe(task.kind, record)
        if task.kind == "train":
            return [f"This one fits as well: {words}."]
        return [f"{name} fits that as well: it is {words}."]

    def _no_match(self, task: Task) -> str:
        wanted, noun = nlg.wanted(task.kind, task.constraints), nlg.noun(task.kind, task.constraints)
        if task.rejected and task.count > 0:
            more = " that I can list" if task.count > len(task.results) else ""
            words = f"I'm sorry, I can't find any other {wanted}: no other {noun}{more} matches."
        else:
            words = f"I'm sorry, I can't find any {wanted}: no {noun} matches that."
        if self._least_important(task) is None:
            task.settled = True
            return words
        return f"{words} {self._ask_to_drop(task)}"

    def _ask_to_drop(self, task: Task) -> str:
        """Ask whether to give up the least important constraint."""
        slot = self._least_important(task)
        if slot is None:
            self._memory.requested = ("constraint",)
            return "What else could I look for?"
        self._memory.requested = ("drop", slot)
        return nlg.loosen(slot)

    def _least_important(self, task: Task, keep: Mapping[str, Any] | None = None) -> str | None:
        """Return the constraint to give up first; None where all are to be kept.

        Args:
            task: The task.
            keep: The constraints of a change of mind, which are kept; where there are none, so are the others. By
                default, the last constraint is kept.
        """
        if keep is None:
            droppable = list(task.constraints) if len(task.constraints) > 1 else []
        else:
            droppable = [slot for slot in task.constraints if slot not in keep] if keep else []
        return next((slot for slot in _LEAST_IMPORTANT_FIRST if slot in droppable), None)

    def _describe_named(self, task: Task, record: dict[str, Any]) -> list[str]:
        """Describe a place or train the user named, unless that was done."""
        name = _name(record)
        if self._record(task, name) is None:
            task.results = [*task.results, record]
        if task.accepted or task.requests or f"about {name}" in task.mentioned:
            return []
        task.mentioned.add(f"about {name}")
        words = nlg.describe(task.kind, record)
        return [f"{words[0].upper()}{words[1:]}." if task.kind == "train" else f"{name} is {words}."]

    def _details(self, task: Task) -> dict[str, Any] | None:
        """Return all that is known of the offer; None where there is no such place.

        A place that does not exist is no offer any more.
        """
        assert task.offer is not None
        if task.offer not in task.known:
            train = self._record(task, task.offer) if task.kind == "train" else None
            try:
                task.known[task.offer] = train or self._tool_client.call("get_details", name=task.offer)
            except RefusedCallError:
                task.offer, task.named = None, False
                return None
        return task.known[task.offer]

    def _facts(self, task: Task) -> list[str]:
        """Answer what was asked about the offer."""
        if not task.requests or task.offer is None:
            return []
        requests, task.requests = task.requests, []
        record = self._details(task)
        if record is None:
            return []
        answers = [nlg.fact(task.kind, record, what) for what in requests]
        if task.kind == "train" and "price" in requests:
            answers += [f"Your booking is {b['total']} crowns in total." for b in self._memory.bookings
                        if b["reference"] == task.reference]  # fmt: skip
        return [answer for answer in dict.fromkeys(answers) if answer]

    def _propose(self, task: Task) -> str:
        task.mentioned.add("question")
        missing = self._missing(task)
        self._memory.requested = ("offer", *missing)
        return nlg.proposal(missing if task.book else (), task.kind)

    # Booking

    def _missing(self, task: Task) -> list[str]:
        return [slot for slot in BOOKING_SLOTS[task.kind] if slot not in task.booking]

    def _book(self, task: Task) -> list[str]:
        missing = self._missing(task)
        if missing:
            self._memory.requested = tuple(missing)
            return [nlg.question(missing, task.kind)]
        if task.confirm_first:
            task.confirm_first = task.accepted = False
            task.mentioned.add("question")
            self._memory.requested = ("offer",)
            return [f"To confirm the details: {nlg.booking(self._draft_booking(task))}. Shall I book it?"]
        wanted = {slot: task.booking[slot] for slot in BOOKING_SLOTS[task.kind]}
        try:
            if task.kind == "train":
                made = self._tool_client.call("book_train", train_id=task.offer, **wanted)
            else:
                made = self._tool_client.call(f"book_{task.kind}", name=task.offer, **wanted)
        except RefusedCallError as refusal:
            return self._refused(task, str(refusal))
        self._memory.bookings.append(made)
        task.reference = made["reference"]
        task.settled = True
        return [nlg.is_booked(made)]

    def _draft_booking(self, task: Task) -> dict[str, Any]:
        """Return the booking as it would be."""
        booking = {"kind": task.kind, "name": task.offer, **task.booking}
        if task.kind == "train":
            train = self._record(task, task.offer or "") or self._details(task) or {}
            total = train["price"] * task.booking["people"]
            booking |= {**train, "kind": "train", "train_id": task.offer, "total": total}
        return booking

    def _refused(self, task: Task, why: str) -> list[str]:
        """Tell why a booking can't be made, and ask for what would help."""
        if task.kind == "train" and "fully booked" in why:
            return self._next_train(task, f"I'm sorry, train {task.offer} is fully booked.")
        slot = _at_fault(why)
        words = nlg.refusal(why, slot, task.offer or "", task.booking.get("day", ""))
        task.booking.pop(slot, None)
        self._memory.requested = (slot,)
        return [words]

    def _next_train(self, task: Task, words: str) -> list[str]:
        """Turn a train down that is fully booked, and offer another one.

        Args:
            task: The task.
            words: The sentence that tells why.
        """
        task.reject_offer()
        if task.searched is None and self._needs_constraints(task):
            return [words, self._constraint_question(task)]
        if task.searched is None:
            self._search(task, task.constraints)
        sentences = [words, *self._offer(task)]
        if task.offer:
            sentences.append(self._propose(task))
        return sentences

    # Bookings that exist

    def _manage(self, task: Task) -> list[str]:
        """Look a booking up, change it or cancel it."""
        if task.reference is None:
            self._memory.requested = ("reference",)
            return [f"Certainly. What is the reference of the booking you would like to {_VERBS[task.action]}?"]
        try:
            old = self._tool_client.call("find_booking", reference=task.reference)
        except RefusedCallError:
            words = (
                f"I'm sorry, I can't find a booking with the reference {task.reference}. Could you check the reference?"
            )
            task.reference = None
            self._memory.requested = ("reference",)
            return [words]
        task.kind = old["kind"]
        if task.action == "lookup":
            task.settled = True
            self._remember(old)
            return [f"Your booking {old['reference']}: {nlg.booking(old)}."]
        if task.action == "cancel":
            gone = self._tool_client.call("cancel_booking", reference=task.reference)
            self._forget(task.reference)
            task.settled = True
            return [f"Your booking with the reference {gone['cancelled']} is cancelled: {nlg.booking(old)}."]
        return self._change(task, task.reference, old)

    def _change(self, task: Task, reference: str, old: dict[str, Any]) -> list[str]:
        """Change a booking, or ask what is to be changed.

        Args:
            task: The task.
            reference: The booking's reference.
            old: The booking as it is.
        """
        for slot, extra in task.increments.items():
            if slot in old:
                task.booking[slot] = old[slot] + extra
        task.increments.clear()
        changes = {slot: value for slot, value in task.booking.items() if slot != "until"}
        fitting = {slot: value for slot, value in changes.items() if slot in BOOKING_SLOTS[task.kind]}
        changes = fitting or changes
        if not changes:
            self._memory.requested = ("change",)
            slots = {"restaurant": "the day, the time or the number of people", "train": "the number of people",
                     "hotel": "the day, the number of nights or the number of people"}  # fmt: skip
            what = slots.get(task.kind, "the day or the number of people")
            return [f"I have found it: {nlg.booking(old)}. What would you like to change, {what}?"]
        task.booking = {}
        try:
            new = self._tool_client.call("change_booking", reference=reference, **changes)
        except RefusedCallError as refusal:
            return self._not_changed(task, old, changes, str(refusal))
        self._forget(reference)
        self._remember(new)
        task.settled = True
        return [f"Your booking has been changed: {nlg.booking(new)}. The reference is still {new['reference']}."]

    def _not_changed(self, task: Task, old: dict[str, Any], changes: dict[str, Any], why: str) -> list[str]:
        slot = _at_fault(why)
        task.booking = {key: value for key, value in changes.items() if key != slot and key in old}
        self._memory.requested = (slot,)
        if "fully booked on" in why:
            return [nlg.refusal(why, slot, old["name"], changes.get("day", ""))]
        if "to change" in why:
            self._memory.requested = ("change",)
        return [f"I'm sorry, that can't be changed: {why}"]

    def restate(self) -> list[str]:
        """Return all bookings in words."""
        return [f"Your booking {made['reference']}: {nlg.booking(made)}." for made in self._memory.bookings]

    def _remember(self, made: dict[str, Any]) -> None:
        if not any(b["reference"] == made["reference"] for b in self._memory.bookings):
            self._memory.bookings.append(made)

    def _forget(self, reference: str) -> None:
        self._memory.bookings = [b for b in self._memory.bookings if b["reference"] != reference]


_VERBS = {"change": "change", "cancel": "cancel", "lookup": "look up"}


def _name(record: dict[str, Any]) -> str:
    return str(record["name"] if "name" in record else record["id"])


def _satisfies(record: dict[str, Any], constraints: dict[str, Any]) -> bool:
    """Return whether a place or train meets the constraints."""
    return all(
        (record["entry_fee"] == "free") is value if slot == "free_entry" else record.get(slot, value) == value
        for slot, value in constraints.items()
    )


def _at_fault(why: str) -> str:
    """Return the slot that an error result is about."""
    if "closed at" in why:
        return "time"
    if "too large" in why or "at least 1 person" in why or "people" in why:
        return "people"
    if "nights" in why:
        return "nights"
    return "day"
