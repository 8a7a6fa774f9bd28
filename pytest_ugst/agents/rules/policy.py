"""From what is to be done to tool calls and an answer: one task of the rule-based agent at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ugst.agents.rules import nlg as say
from pytest_ugst.agents.rules.lexicon import BOOKING_SLOTS
from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.tool_calls import RefusedCallError, ToolClient
from pytest_ugst.domains.concierge.clock import DAYS

_LOOSE = (
    "price", "breakfast", "wifi", "parking", "outdoor_seating", "free_entry", "stars", "arrive_by", "leave_after",
    "day", "area", "cuisine", "kind",
)  # fmt: skip
"""Wishes, the one to give up first before the others."""
_PLACES = {"restaurant": "restaurants", "hotel": "hotels", "attraction": "attractions", "train": "trains"}


class Worker:
    """Does what one answer's tasks ask for; sets ``memory.asked`` to what it asked."""

    def __init__(self, memory: Memory, desk: ToolClient) -> None:
        self._memory = memory
        self._desk = desk

    def work(self, task: Task) -> list[str]:
        """Take the task as far as it goes without the user; returns what to say."""
        self._memory.asked = ()
        if task.action != "search":
            return self._manage(task)
        said = self._find(task)
        if task.offer is None or task.settled or self._memory.asked:
            return [*said, *self._facts(task)]
        if task.reference is None and task.accepted and task.book:
            return [*said, *self._facts(task), *self._book(task)]
        said += self._facts(task)
        if task.book is False or task.reference is not None:
            task.settled = True
        elif not task.told & {"question"} or task.book:
            said.append(self._propose(task))
        else:
            task.settled = True
        return said

    # Finding

    def _find(self, task: Task) -> list[str]:
        """Search where the wishes changed since the last time, and offer what was found."""
        if task.named and task.offer:
            name = task.offer
            record = self._record(task, name) or self._details(task)
            if record is None:
                return [f"I'm sorry, I can't find {name}: no {task.kind} of that name."]
            if _suits(record, task.wishes):
                return self._named(task, record)
            task.offer, task.named, task.accepted = None, False, False
        if task.searched == task.wishes and task.offer:
            return []
        if self._ask_wishes(task):
            return [self._wish_question(task)]
        if task.searched != task.wishes:
            before = task.offer
            self._search(task, task.wishes)
            while task.count == 0 and (stale := self._loosest(task, keep=task.fresh)):
                del task.wishes[stale]
                self._search(task, task.wishes)
            task.fresh = {}
            task.told.discard("question")
            if before and self._record(task, before) and before not in task.passed:
                return [] if task.accepted else self._still(task, before)
            task.offer, task.accepted = None, False
        return self._offer(task)

    def _ask_wishes(self, task: Task) -> bool:
        if task.kind == "train":
            there = {"origin", "destination"} & set(task.wishes)
            return not there or ("day" not in task.wishes and not task.open_ended)
        known = set(task.wishes) - ({"kind"} if task.kind == "hotel" else set())
        return not known and not task.open_ended and task.searched is None

    def _wish_question(self, task: Task) -> str:
        if task.kind == "train":
            if not {"origin", "destination"} & set(task.wishes):
                self._memory.asked = ("origin", "destination")
                return "Certainly. Where from and where to would you like to travel, and on what day?"
            self._memory.asked = ("wish", "day")
            return "On what day would you like to travel?"
        self._memory.asked = ("wish",)
        if task.kind == "restaurant":
            return "I'd be glad to find you a restaurant. Do you have a cuisine, an area or a price range in mind?"
        if task.kind == "hotel":
            noun = say.noun(task.kind, task.wishes)
            return f"I'd be glad to find you a {noun}. Do you have an area or a price range in mind?"
        return "I'd be glad to find you an attraction. What kind of place, and in what area, would you like?"

    def _search(self, task: Task, wishes: dict[str, Any]) -> None:
        task.searched = dict(wishes)
        found = self._desk.call(f"search_{_PLACES[task.kind]}", **wishes)
        task.results, task.count = found["results"], found["count"]

    def _record(self, task: Task, name: str) -> dict[str, Any] | None:
        return next((r for r in task.results if _name(r) == name), None)

    def _candidates(self, task: Task) -> list[dict[str, Any]]:
        """What can be offered, the best first: what the user picked, and trains that have seats."""
        found = [
            record
            for record in task.results
            if _name(record) not in task.passed and not any(record.get(slot) == value for slot, value in task.refused)
        ]
        if task.kind == "train":
            seats = task.booking.get("people", 1)
            found.sort(key=lambda r: (r["departs"] != task.at, r["seats_left"] < seats))
        return found

    def _offer(self, task: Task) -> list[str]:
        found = self._candidates(task)
        if not found:
            return [self._nothing(task)]
        first = found[0]
        task.offer = _name(first)
        task.second = _name(found[1]) if len(found) > 1 else None
        task.named = False
        words = say.describe(task.kind, first)
        if task.kind == "train" and first["seats_left"] < task.booking.get("people", 1):
            left = first["seats_left"]
            full = f"has only {left} seats left" if left else "is fully booked"
            return [f"There is only {words}, but it {full}. {self._loosen(task)}"]
        said = [f"There is {words}." if task.kind == "train" else f"I'd suggest {task.offer}, {words}."]
        if task.second:
            other = say.describe(task.kind, found[1])
            said.append(f"Another option is {other if task.kind == 'train' else f'{task.second}, {other}'}.")
        if task.count > 2:
            said.append(f"There are {task.count} matches in all.")
        return said

    def _still(self, task: Task, name: str) -> list[str]:
        """The offer fits the new wishes too."""
        record = self._record(task, name)
        assert record is not None
        return [f"{name} fits that as well: it is {say.describe(task.kind, record)}."] if task.kind != "train" else [
            f"This one fits as well: {say.describe(task.kind, record)}."
        ]  # fmt: skip

    def _nothing(self, task: Task) -> str:
        wanted, noun = say.wanted(task.kind, task.wishes), say.noun(task.kind, task.wishes)
        if task.passed and task.count > 0:
            more = " that I can list" if task.count > len(task.results) else ""
            words = f"I'm sorry, I can't find any other {wanted}: no other {noun}{more} matches."
        else:
            words = f"I'm sorry, I can't find any {wanted}: no {noun} matches that."
        if self._loosest(task) is None:
            task.settled = True
            return words
        return f"{words} {self._loosen(task)}"

    def _loosen(self, task: Task) -> str:
        """Ask which wish to give up."""
        slot = self._loosest(task)
        if slot is None:
            self._memory.asked = ("wish",)
            return "What else could I look for?"
        self._memory.asked = ("drop", slot)
        return say.loosen(slot)

    def _loosest(self, task: Task, keep: Mapping[str, Any] | None = None) -> str | None:
        """The wish to give up first: any but the last one, or any that a change of mind did not ``keep``."""
        if keep is None:
            return next((slot for slot in _LOOSE if slot in task.wishes), None) if len(task.wishes) > 1 else None
        return next((slot for slot in _LOOSE if slot in task.wishes and slot not in keep), None) if keep else None

    def _named(self, task: Task, record: dict[str, Any]) -> list[str]:
        """A place or train the user named."""
        name = _name(record)
        if self._record(task, name) is None:
            task.results = [*task.results, record]
        if task.accepted or task.asks or f"about {name}" in task.told:
            return []
        task.told.add(f"about {name}")
        words = say.describe(task.kind, record)
        return [f"{words[0].upper()}{words[1:]}." if task.kind == "train" else f"{name} is {words}."]

    def _details(self, task: Task) -> dict[str, Any] | None:
        """All that is known of the offer; None, and no offer any more, where there is no such place."""
        assert task.offer is not None
        if task.offer not in task.known:
            train = self._record(task, task.offer) if task.kind == "train" else None
            try:
                task.known[task.offer] = train or self._desk.call("get_details", name=task.offer)
            except RefusedCallError:
                task.offer, task.named = None, False
                return None
        return task.known[task.offer]

    def _facts(self, task: Task) -> list[str]:
        """Answer what was asked about the offer."""
        if not task.asks or task.offer is None:
            return []
        asks, task.asks = task.asks, []
        record = self._details(task)
        if record is None:
            return []
        answers = [say.fact(task.kind, record, what) for what in asks]
        if task.kind == "train" and "price" in asks:
            answers += [f"Your booking is {b['total']} crowns in total." for b in self._memory.bookings
                        if b["reference"] == task.reference]  # fmt: skip
        return [answer for answer in dict.fromkeys(answers) if answer]

    def _propose(self, task: Task) -> str:
        task.told.add("question")
        missing = self._missing(task)
        self._memory.asked = ("offer", *missing)
        return say.proposal(missing if task.book else (), task.kind)

    # Booking

    def _missing(self, task: Task) -> list[str]:
        return [slot for slot in BOOKING_SLOTS[task.kind] if slot not in task.booking]

    def _book(self, task: Task) -> list[str]:
        missing = self._missing(task)
        if missing:
            self._memory.asked = tuple(missing)
            return [say.question(missing, task.kind)]
        if task.reread:
            task.reread = task.accepted = False
            task.told.add("question")
            self._memory.asked = ("offer",)
            return [f"To confirm the details: {say.booking(self._plan(task))}. Shall I book it?"]
        wanted = {slot: task.booking[slot] for slot in BOOKING_SLOTS[task.kind]}
        try:
            if task.kind == "train":
                made = self._desk.call("book_train", train_id=task.offer, **wanted)
            else:
                made = self._desk.call(f"book_{task.kind}", name=task.offer, **wanted)
        except RefusedCallError as refusal:
            return self._refused(task, str(refusal))
        self._memory.bookings.append(made)
        task.reference = made["reference"]
        task.settled = True
        return [say.is_booked(made)]

    def _plan(self, task: Task) -> dict[str, Any]:
        """The booking as it would be."""
        plan = {"kind": task.kind, "name": task.offer, **task.booking}
        if task.kind == "train":
            train = self._record(task, task.offer or "") or self._details(task) or {}
            plan |= {**train, "kind": "train", "train_id": task.offer, "total": train["price"] * task.booking["people"]}
        return plan

    def _refused(self, task: Task, why: str) -> list[str]:
        """Say why a booking can't be made, and ask for what would help."""
        if task.kind == "train" and "fully booked" in why:
            return self._next_train(task, f"I'm sorry, train {task.offer} is fully booked.")
        words = self._tell(task, why)
        slot = _at_fault(why)
        task.booking.pop(slot, None)
        self._memory.asked = (slot,)
        return [words]

    def _next_train(self, task: Task, words: str) -> list[str]:
        task.pass_over()
        if task.searched is None and self._ask_wishes(task):
            return [words, self._wish_question(task)]
        if task.searched is None:
            self._search(task, task.wishes)
        said = [words, *self._offer(task)]
        if task.offer:
            said.append(self._propose(task))
        return said

    def _tell(self, task: Task, why: str) -> str:
        name = task.offer or ""
        if "fully booked on" in why:
            free = [say.day(d) for d in DAYS if d in why.partition("free days:")[2]]
            full = say.day(task.booking.get("day", ""))
            if not free:
                return f"I'm sorry, {name} is fully booked on {full} and has no free days this week."
            words = f"I'm sorry, {name} is fully booked on {full}. It has free places on {say.join(free)}."
            return f"{words} Would another day suit you?"
        ask = {"time": "What other time would suit you?", "people": "For how many people shall I book?",
               "nights": "How many nights would you like?", "day": "What other day would suit you?"}  # fmt: skip
        return f"I'm sorry, {why[0].lower() + why[1:] if why.startswith('The') else why} {ask[_at_fault(why)]}"

    # Bookings that exist

    def _manage(self, task: Task) -> list[str]:
        if task.reference is None:
            self._memory.asked = ("reference",)
            return [f"Certainly. What is the reference of the booking you would like to {_VERBS[task.action]}?"]
        try:
            old = self._desk.call("find_booking", reference=task.reference)
        except RefusedCallError:
            words = (
                f"I'm sorry, I can't find a booking with the reference {task.reference}. Could you check the reference?"
            )
            task.reference = None
            self._memory.asked = ("reference",)
            return [words]
        task.kind = old["kind"]
        if task.action == "lookup":
            task.settled = True
            self._remember(old)
            return [f"Your booking {old['reference']}: {say.booking(old)}."]
        if task.action == "cancel":
            gone = self._desk.call("cancel_booking", reference=task.reference)
            self._forget(task.reference)
            task.settled = True
            return [f"Your booking with the reference {gone['cancelled']} is cancelled: {say.booking(old)}."]
        for slot, extra in task.more.items():
            if slot in old:
                task.booking[slot] = old[slot] + extra
        task.more.clear()
        changes = {slot: value for slot, value in task.booking.items() if slot != "until"}
        fitting = {slot: value for slot, value in changes.items() if slot in BOOKING_SLOTS[task.kind]}
        changes = fitting or changes
        if not changes:
            self._memory.asked = ("change",)
            slots = {"restaurant": "the day, the time or the number of people", "train": "the number of people",
                     "hotel": "the day, the number of nights or the number of people"}  # fmt: skip
            what = slots.get(task.kind, "the day or the number of people")
            return [f"I have found it: {say.booking(old)}. What would you like to change, {what}?"]
        task.booking = {}
        try:
            new = self._desk.call("change_booking", reference=task.reference, **changes)
        except RefusedCallError as refusal:
            return self._not_changed(task, old, changes, str(refusal))
        self._forget(task.reference)
        self._remember(new)
        task.settled = True
        return [f"Your booking has been changed: {say.booking(new)}. The reference is still {new['reference']}."]

    def _not_changed(self, task: Task, old: dict[str, Any], changes: dict[str, Any], why: str) -> list[str]:
        slot = _at_fault(why)
        task.booking = {key: value for key, value in changes.items() if key != slot and key in old}
        self._memory.asked = (slot,)
        if "fully booked on" in why:
            stand_in = Task(kind=task.kind, offer=old["name"], booking=dict(changes))
            return [self._tell(stand_in, why)]
        if "to change" in why:
            self._memory.asked = ("change",)
        return [f"I'm sorry, that can't be changed: {why}"]

    def restate(self) -> list[str]:
        """Say all bookings again."""
        return [f"Your booking {made['reference']}: {say.booking(made)}." for made in self._memory.bookings]

    def _remember(self, made: dict[str, Any]) -> None:
        if not any(b["reference"] == made["reference"] for b in self._memory.bookings):
            self._memory.bookings.append(made)

    def _forget(self, reference: str) -> None:
        self._memory.bookings = [b for b in self._memory.bookings if b["reference"] != reference]


_VERBS = {"change": "change", "cancel": "cancel", "lookup": "look up"}


def _name(record: dict[str, Any]) -> str:
    return str(record["name"] if "name" in record else record["id"])


def _suits(record: dict[str, Any], wishes: dict[str, Any]) -> bool:
    """Whether a place or train has what is wished for."""
    return all(
        (record["entry_fee"] == "free") is value if slot == "free_entry" else record.get(slot, value) == value
        for slot, value in wishes.items()
    )


def _at_fault(why: str) -> str:
    """The slot a refusal is about."""
    if "closed at" in why:
        return "time"
    if "too large" in why or "at least 1 person" in why or "people" in why:
        return "people"
    if "nights" in why:
        return "nights"
    return "day"
