"""The update of the agenda: the dialogue acts that a reply of the agent makes the user push."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_ugst.simulators.agenda.agenda import Agenda
from pytest_ugst.simulators.agenda.fault_injection import FaultInjector
from pytest_ugst.simulators.agenda.nlg import TemplateNlg
from pytest_ugst.simulators.agenda.nlu import ReplyMeaning, condition_holds, missing_features, unrequested_constraints
from pytest_ugst.simulators.agenda.user_goal import Slots, Subgoal, UserGoal

_PERSONAL: Final = ("user_name", "card", "phone", "email")
"""Slots an agent may ask for that are part of no subgoal."""


class AgendaUpdater:
    """Pushes the dialogue acts that answer the agent's replies."""

    def __init__(self, agenda: Agenda, user_goal: UserGoal, nlg: TemplateNlg, faults: FaultInjector) -> None:
        """Update one episode's agenda.

        Args:
            agenda: The agenda.
            user_goal: The goal; what can't be had is changed in it.
            nlg: Puts the acts into words.
            faults: The faults planted in this episode.
        """
        self._agenda = agenda
        self._user_goal = user_goal
        self._nlg = nlg
        self._faults = faults

    def update(self, reply: ReplyMeaning) -> None:
        """Push the acts that answer a reply; between two subgoals there is nothing to answer."""
        subgoal = self._agenda.subgoal
        if subgoal is None:
            return
        if self._faults.wastes_turns and (uninformed := self._agenda.uninformed(subgoal.search_slots())):
            name, value = next(iter(uninformed.items()))
            self._agenda.progress.informed.add(name)
            self._agenda.push("inform", self._nlg.inform({name: value}))
        elif subgoal.intent == "cancel":
            self._answer_about_booking(subgoal, reply, done=reply.cancelled)
        elif subgoal.intent == "change":
            self._answer_about_booking(subgoal, reply, done=reply.changed)
        elif self._agenda.progress.booked or (reply.booked and subgoal.intent == "book"):
            self._answer_after_booking(subgoal, reply)
        else:
            self._answer_search(subgoal, reply)

    def _answer_after_booking(self, subgoal: Subgoal, reply: ReplyMeaning) -> None:
        """Answer the confirmation of a booking, or what is said after it."""
        progress = self._agenda.progress
        progress.agent_text += f" {reply.text}"
        if reply.booked and subgoal.intent == "book":
            progress.booked = progress.found = True
            if reply.reference and self._user_goal.follows("read_back_reference"):
                self._agenda.push("aside", self._nlg.read_back(reply.reference))
        self._request_or_finish(subgoal, reply)

    def _answer_search(self, subgoal: Subgoal, reply: ReplyMeaning) -> None:
        """Answer while a place or train is being looked for."""
        progress = self._agenda.progress
        if reply.full or reply.closed:
            self._answer_unavailable(subgoal)
        elif reply.no_match and not (progress.found and self._open_requests(subgoal)):
            self._answer_no_match(subgoal, reply)
        elif reply.found or reply.offer or progress.found:
            progress.found = True
            progress.agent_text += f" {reply.text}"
            self._answer_offer(subgoal, reply)
        elif reply.requests:
            self._inform(subgoal, reply.requests)
        else:
            self._rephrase(subgoal)

    def _answer_about_booking(self, subgoal: Subgoal, reply: ReplyMeaning, done: bool) -> None:
        """Answer while a booking the user holds is being changed or cancelled.

        Args:
            subgoal: The current subgoal.
            reply: The agent's reply.
            done: Whether the reply says that the change or cancellation is made.
        """
        if done and not reply.full:
            self._finish()
        elif reply.full or reply.closed:
            self._answer_unavailable(subgoal)
        elif reply.offer:
            self._agenda.push("affirm", self._nlg.affirm())
            self._repeat_or_fail()
        elif reply.requests:
            self._inform(subgoal, reply.requests)
        elif reply.refused or reply.no_match:
            self._fail()
        else:
            self._rephrase(subgoal)

    def _answer_offer(self, subgoal: Subgoal, reply: ReplyMeaning) -> None:
        """Answer that something was found: see whether it is the thing, book it, ask about it."""
        if self._refuse_unsuitable(subgoal, reply) or self._follow_condition(subgoal):
            return
        if subgoal.intent == "find":
            self._request_or_finish(subgoal, reply)
            return
        progress = self._agenda.progress
        if "affirm" in progress.tried:
            if reply.requests and not reply.offer:
                self._inform(subgoal, reply.requests)
                return
            if not self._repeat_or_fail():
                return
        progress.tried.add("affirm")
        slots = subgoal.booking_slots()
        requested = {name: value for name, value in slots.items() if name in reply.requests}
        personal = self._personal(reply.requests)
        stated = requested | self._agenda.uninformed(slots)
        self._agenda.push("affirm", " ".join([self._nlg.book_it(stated), *personal]))
        progress.informed.update(subgoal.booking_slots())

    def _refuse_unsuitable(self, subgoal: Subgoal, reply: ReplyMeaning) -> bool:
        """Refuse, once, a place that lacks what it must have; return whether it was refused."""
        progress = self._agenda.progress
        missing = missing_features(subgoal.constraints, reply.text)
        if not missing or "lacking" in progress.tried:
            return False
        progress.tried.add("lacking")
        progress.agent_text = ""
        self._agenda.push("negate", self._nlg.insist_on(missing, subgoal))
        return True

    def _follow_condition(self, subgoal: Subgoal) -> bool:
        """Ask for the fact a condition is about, or turn to the alternative where it holds.

        Returns:
            Whether an act was pushed; if not, the subgoal goes on.
        """
        progress = self._agenda.progress
        if not subgoal.condition.get("fact") or "condition" in progress.tried:
            return False
        fact = str(subgoal.condition["fact"])
        holds = condition_holds(subgoal.condition, progress.agent_text)
        if holds is None and self._agenda.may_request(fact):
            self._request([fact])
            return True
        progress.tried.add("condition")
        if holds:
            self._switch(subgoal)
            return True
        return False

    def _open_requests(self, subgoal: Subgoal) -> list[str]:
        """Return the facts to learn that the agent has not told."""
        reply = ReplyMeaning(text=self._agenda.progress.agent_text)
        return [fact for fact in subgoal.requests if not reply.informs(fact)]

    def _request_or_finish(self, subgoal: Subgoal, reply: ReplyMeaning) -> None:
        facts = [fact for fact in self._open_requests(subgoal) if self._agenda.may_request(fact)]
        if facts and not self._faults.skips_requests():
            self._request(facts)
            return
        if reply.offer and subgoal.intent == "find":
            self._agenda.push("aside", self._nlg.no_booking())
        self._finish()

    def _request(self, facts: list[str]) -> None:
        for fact in facts:
            self._agenda.count_request(fact)
        self._agenda.push("request", self._nlg.request(facts))

    def _inform(self, subgoal: Subgoal, requests: Sequence[str]) -> None:
        """Answer what the agent asks for; say honestly what the goal does not tell."""
        known: Slots = {**subgoal.search_slots(with_preferences=False), **subgoal.booking_slots()}
        if subgoal.reference:
            known["reference"] = subgoal.reference
        slots = {slot: known[slot] for slot in requests if slot in known}
        missing = [slot for slot in requests if slot not in known and slot not in _PERSONAL]
        personal = self._personal(requests)
        if self._faults.wastes_turns and len(slots) > 1:
            slots = dict([next(iter(slots.items()))])
        elif slots:
            slots |= self._agenda.uninformed(subgoal.booking_slots())
        if self._agenda.progress.informed >= set(slots) and not self._repeat_or_fail():
            return  # Nothing that was not said before.
        self._agenda.progress.informed.update(slots)
        rest = [] if slots else [self._nlg.no_matter(slot) for slot in missing][:2]
        self._agenda.push("inform", " ".join(part for part in (self._nlg.inform(slots), *personal, *rest) if part))

    def _personal(self, requests: Sequence[str]) -> list[str]:
        """Return what the user says of themselves: from the profile, or honestly that there is nothing to say."""
        name = self._user_goal.profile.get("name")
        sentences = [f"My name is {name}."] if "user_name" in requests and name else []
        unknown = [slot for slot in requests if slot in _PERSONAL and not (slot == "user_name" and name)]
        return sentences + [self._nlg.unknown(slot) for slot in unknown[:1]]

    def _answer_unavailable(self, subgoal: Subgoal) -> None:
        """Answer that what is wanted is fully booked, or closed."""
        tried = self._agenda.progress.tried
        if subgoal.if_full and "if_full" not in tried:
            tried.add("if_full")
            subgoal.constraints.update(subgoal.if_full)
            self._agenda.push("inform", self._nlg.instead(subgoal.booking_slots()))
        elif subgoal.condition.get("full"):
            self._switch(subgoal)
        elif self._faults.never_gives_up:
            self._insist(subgoal)
        elif subgoal.intent == "book" and "another" not in tried and not subgoal.constraints.get("name"):
            tried.add("another")
            self._agenda.progress.informed.update(subgoal.booking_slots())
            self._agenda.push("request", self._nlg.another(subgoal))
        else:
            self._fail()

    def _answer_no_match(self, subgoal: Subgoal, reply: ReplyMeaning) -> None:
        """Answer that nothing matches: correct the agent, give up preferences, or have it look again."""
        progress = self._agenda.progress
        invented = unrequested_constraints(subgoal.search_slots(), reply.text)
        if invented and "correct" not in progress.tried:
            progress.tried.add("correct")
            self._agenda.push("negate", self._nlg.drop(invented, subgoal))
            return
        droppable = [
            name for name in subgoal.search_slots() if name in subgoal.preferences and name not in subgoal.constraints
        ]
        booking = {
            name: subgoal.constraints.get(name, subgoal.preferences.get(name)) for name in subgoal.booking_slots()
        }
        uninformed = self._agenda.uninformed(booking)
        if droppable and "drop" not in progress.tried and progress.informed & set(droppable):
            progress.tried.add("drop")
            self._agenda.push("negate", self._nlg.drop(droppable, subgoal))
            for name in droppable:
                del subgoal.preferences[name]
        elif subgoal.condition.get("none"):
            self._switch(subgoal)
        elif self._faults.never_gives_up:
            self._insist(subgoal)
        elif uninformed and "again" not in progress.tried:
            progress.tried.add("again")
            progress.informed.update(uninformed)
            self._agenda.push("request", self._nlg.look_again(subgoal, uninformed))
        else:
            self._fail()

    def _switch(self, subgoal: Subgoal) -> None:
        """Turn to the alternative."""
        other = subgoal.resolve_alternative()
        self._agenda.start(other)
        self._agenda.progress.informed.update(other.informable_slots())
        self._agenda.push("open", self._nlg.switch(other, other.booking_slots()))

    def _rephrase(self, subgoal: Subgoal) -> None:
        """Say the subgoal again: the agent did not understand, or said nothing of use."""
        if self._repeat_or_fail():
            self._agenda.progress.informed.update(subgoal.informable_slots())
            self._insist(subgoal)

    def _insist(self, subgoal: Subgoal) -> None:
        self._agenda.push("inform", self._nlg.rephrase(subgoal, subgoal.booking_slots()))

    def _repeat_or_fail(self) -> bool:
        """Return whether to say something again; if not, the subgoal is given up."""
        if self._agenda.count_repetition():
            return True
        self._fail()
        return False

    def _fail(self) -> None:
        """Give the current subgoal up."""
        self._agenda.push("aside", self._nlg.resigned())
        self._finish()

    def _finish(self) -> None:
        """Leave the current subgoal."""
        subgoal = self._agenda.close()
        if subgoal is not None and self._faults.stays_with_subgoal():
            # Misprioritization: the first part is never left.
            self._agenda.reopen(subgoal)
            self._insist(subgoal)
        elif self._faults.leaves_early():
            self._agenda.pending.clear()
