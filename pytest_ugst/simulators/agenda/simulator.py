"""A rule-based user simulator with an agenda: a stack of dialogue acts.

After Schatzmann et al. 2007, "Agenda-Based User Simulation for Bootstrapping a POMDP Dialogue System": the user's state
is a goal (constraints and requests, see :mod:`.agenda_errands`) and an agenda. Every reply of the agent pushes acts
that answer it; a message is a few acts popped from the top. The user reads nothing but the agent's words.

``agenda`` plays goals whose components carry ``slots``; ``agenda:FAULT`` plays them badly, see :mod:`.faults`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ugst.core.conversation import Closing, Conversation, StopReason
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import UserTurn
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.simulators.agenda.fault_injection import Mischief
from pytest_ugst.simulators.agenda.faults import Fault, parse, strike
from pytest_ugst.simulators.agenda.nlg import Words
from pytest_ugst.simulators.agenda.nlu import ReplyMeaning, hear, holds, lacking, not_asked_for
from pytest_ugst.simulators.agenda.progress import Act, SubgoalProgress, done, kept
from pytest_ugst.simulators.agenda.style import Manners
from pytest_ugst.simulators.agenda.user_goal import Slots, Subgoal, UserGoal, read, slots_to_tell

INDICATOR = "TERMINATE"

_PERSONAL = ("user_name", "card", "phone", "email")
"""What an agent may ask of the user that is in no errand."""
_PATIENCE = 2
"""How often the user says something again before giving an errand up."""


def make(argument: str | None, context: RoleContext) -> AgendaFactory:
    """What ``--ugst-sim=agenda[:FAULTS]`` names.

    Args:
        argument: None for a faithful user; else planted faults such as ``confusion@0.3+contradiction``.
        context: Not needed: the agenda talks to no model.

    Raises:
        UsageError: For an unknown fault or a wrong rate.
    """
    return AgendaFactory(f"agenda:{argument}" if argument else "agenda", parse(argument))


@dataclass(frozen=True, slots=True)
class AgendaFactory:
    """Makes one agenda per episode."""

    name: str = "agenda"
    faults: tuple[Fault, ...] = ()

    def start(self, goal: Goal, seed: int, max_turns: int) -> AgendaSimulator:
        """A simulator for one episode; the same seed says the same words.

        Raises:
            UsageError: If the goal's components carry no slots.
        """
        rng = random.Random(f"{seed}:{goal.id}")  # noqa: S311
        plan = read(goal)
        return AgendaSimulator(plan, max_turns, rng, Mischief(strike(self.faults, rng), plan, rng))


class AgendaSimulator:
    """Plays one goal."""

    def __init__(self, plan: UserGoal, max_turns: int, rng: random.Random, mischief: Mischief) -> None:
        self._plan = plan
        self._max_turns = max_turns
        self._rng = rng
        self._words = Words(rng)
        self._manners = Manners(plan, rng)
        self._mischief = mischief
        self._waiting = list(plan.errands)
        """Errands not brought up yet."""
        self._errand: Subgoal | None = None
        self._progress = SubgoalProgress()
        self._acts: list[Act] = []
        """The agenda, top last."""
        self._wishes_told: set[str] = set()
        self._closed = False
        """Whether goodbye was said."""
        self._recapped = not plan.follows("ask_to_repeat_booking") or mischief.leaves_out("ask_to_repeat_booking")

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Speak, or end the conversation."""
        number = len(conversation.turns) + 1
        if conversation.turns:
            self._listen(hear(conversation.turns[-1].agent))
        text, closing = self._speak(number, state)
        if text is None:
            return UserTurn(
                text="",
                reasoning=self._mischief.note(),
                stop=StopReason.USER_ENDED,
                closing=Closing(text=INDICATOR, separate=True, before_reply=number == 1),
            )
        text = self._mischief.spoil(self._manners.polish(text, closing), number)
        if self._mischief.cuts_short(number):
            return UserTurn(
                text=text,
                reasoning=self._mischief.note(),
                stop=StopReason.USER_ENDED,
                closing=Closing(text=f"{text} {INDICATOR}", separate=False, asked=True, before_reply=number == 1),
            )
        return UserTurn(text=text, reasoning=self._mischief.note())

    # What the agent's words push onto the agenda.

    def _listen(self, heard: ReplyMeaning) -> None:
        errand = self._errand
        if errand is None:
            return
        if self._mischief.slow and (untold := self._untold(errand.search())):
            name, value = next(iter(untold.items()))
            self._progress.told.add(name)
            self._push("inform", self._words.inform({name: value}))
        elif errand.intent == "cancel":
            self._listen_held(errand, heard, heard.cancelled)
        elif errand.intent == "change":
            self._listen_held(errand, heard, heard.changed)
        elif heard.booked and errand.intent == "book":
            self._progress.booked = self._progress.found = True
            self._progress.heard += f" {heard.text}"
            if heard.reference and self._plan.follows("read_back_reference"):
                self._push("light", self._words.read_back(heard.reference))
            self._ask_or_finish(errand, heard)
        elif self._progress.booked:
            self._progress.heard += f" {heard.text}"
            self._ask_or_finish(errand, heard)
        elif heard.full or heard.closed:
            self._blocked(errand)
        elif heard.none and not (self._progress.found and self._pending(errand)):
            self._nothing(errand, heard)
        elif heard.found or heard.offer or self._progress.found:
            self._progress.found = True
            self._progress.heard += f" {heard.text}"
            self._weigh(errand, heard)
        elif heard.asks:
            self._answer(errand, heard.asks)
        else:
            self._repeat(errand)

    def _listen_held(self, errand: Subgoal, heard: ReplyMeaning, done: bool) -> None:
        """Changing or cancelling a booking the user holds."""
        if done and not heard.full:
            self._finish()
        elif heard.full or heard.closed:
            self._blocked(errand)
        elif heard.offer:
            self._push("affirm", self._words.yes())
            self._patience()
        elif heard.asks:
            self._answer(errand, heard.asks)
        elif heard.refused or heard.none:
            self._fail()
        else:
            self._repeat(errand)

    def _weigh(self, errand: Subgoal, heard: ReplyMeaning) -> None:
        """Something was found: see whether it is the thing, book it, ask about it."""
        progress = self._progress
        missing = lacking(errand.want, heard.text)
        if missing and "lacking" not in progress.tried:
            progress.tried.add("lacking")
            progress.heard = ""
            self._push("negate", self._words.insist_on(missing, errand))
            return
        if errand.condition.get("fact") and "condition" not in progress.tried:
            fact = str(errand.condition["fact"])
            answer = holds(errand.condition, progress.heard)
            if answer is None and progress.asked.get(fact, 0) < _PATIENCE:
                self._ask([fact])
                return
            progress.tried.add("condition")
            if answer:
                self._switch(errand)
                return
        if errand.intent == "find":
            self._ask_or_finish(errand, heard)
            return
        if heard.asks and not heard.offer and "affirm" in progress.tried:
            self._answer(errand, heard.asks)
            return
        if "affirm" in progress.tried and not self._patience():
            return
        progress.tried.add("affirm")
        terms = errand.booking()
        asked = {name: value for name, value in terms.items() if name in heard.asks}
        personal = self._personal(heard.asks)
        self._push("affirm", " ".join([self._words.book_it(asked | self._untold(terms)), *personal]))
        progress.told.update(errand.booking())

    def _pending(self, errand: Subgoal) -> list[str]:
        heard = ReplyMeaning(text=self._progress.heard)
        return [fact for fact in errand.ask if not heard.tells(fact)]

    def _ask_or_finish(self, errand: Subgoal, heard: ReplyMeaning) -> None:
        pending = [fact for fact in self._pending(errand) if self._progress.asked.get(fact, 0) < _PATIENCE]
        if pending and not self._mischief.satisfied():
            self._ask(pending)
            return
        if heard.offer and errand.intent == "find":
            self._push("light", self._words.no_booking())
        self._finish()

    def _ask(self, facts: list[str]) -> None:
        for fact in facts:
            self._progress.asked[fact] = self._progress.asked.get(fact, 0) + 1
        self._push("request", self._words.request(facts))

    def _answer(self, errand: Subgoal, asks: Sequence[str]) -> None:
        """Answer what the agent asks for; say honestly what the goal does not tell."""
        known = {**errand.search(wished=False), **errand.booking()}
        if errand.reference:
            known["reference"] = errand.reference
        told = {slot: known[slot] for slot in asks if slot in known}
        missing = [slot for slot in asks if slot not in known and slot not in _PERSONAL]
        personal = self._personal(asks)
        if self._mischief.slow and len(told) > 1:
            told = dict([next(iter(told.items()))])
        elif told:
            told |= self._untold(errand.booking())
        if self._progress.told >= set(told) and not self._patience():
            return  # Nothing that was not said before.
        self._progress.told.update(told)
        rest = [] if told else [self._words.no_matter(slot) for slot in missing][:2]
        self._push("inform", " ".join(part for part in (self._words.inform(told), *personal, *rest) if part))

    def _personal(self, asks: Sequence[str]) -> list[str]:
        """What the user says of themselves when asked: the profile, or honestly that there is nothing to say."""
        name = self._plan.profile.get("name")
        said = [f"My name is {name}."] if "user_name" in asks and name else []
        unknown = [slot for slot in asks if slot in _PERSONAL and not (slot == "user_name" and name)]
        return said + [self._words.unknown(slot) for slot in unknown[:1]]

    def _blocked(self, errand: Subgoal) -> None:
        """Fully booked, or closed."""
        tried = self._progress.tried
        if errand.if_full and "if_full" not in tried:
            tried.add("if_full")
            errand.want.update(errand.if_full)
            self._push("inform", self._words.instead(errand.booking()))
        elif errand.condition.get("full"):
            self._switch(errand)
        elif self._mischief.stuck:
            self._insist(errand)
        elif errand.intent == "book" and "another" not in tried and not errand.want.get("name"):
            tried.add("another")
            self._progress.told.update(errand.booking())
            self._push("request", self._words.another(errand))
        else:
            self._fail()

    def _nothing(self, errand: Subgoal, heard: ReplyMeaning) -> None:
        """Nothing matches."""
        tried = self._progress.tried
        invented = not_asked_for(errand.search(), heard.text)
        if invented and "correct" not in tried:
            tried.add("correct")
            self._push("negate", self._words.drop(invented, errand))
            return
        dropped = [name for name in errand.search() if name in errand.wish and name not in errand.want]
        untold = self._untold({name: errand.want.get(name, errand.wish.get(name)) for name in errand.booking()})
        if dropped and "drop" not in tried and self._progress.told & set(dropped):
            tried.add("drop")
            self._push("negate", self._words.drop(dropped, errand))
            for name in dropped:
                del errand.wish[name]
        elif errand.condition.get("none"):
            self._switch(errand)
        elif self._mischief.stuck:
            self._insist(errand)
        elif untold and "again" not in tried:
            tried.add("again")
            self._progress.told.update(untold)
            self._push("request", self._words.look_again(errand, untold))
        else:
            self._fail()

    def _switch(self, errand: Subgoal) -> None:
        """Turn to the alternative."""
        other = errand.other()
        self._errand, self._progress = other, SubgoalProgress()
        self._progress.told.update(slots_to_tell(other))
        self._push("open", self._words.switch(other, other.booking()))

    def _repeat(self, errand: Subgoal) -> None:
        """The agent did not understand, or said nothing of use."""
        if self._patience():
            self._progress.told.update(slots_to_tell(errand))
            self._push("inform", self._words.rephrase(errand, errand.booking()))

    def _insist(self, errand: Subgoal) -> None:
        self._push("inform", self._words.rephrase(errand, errand.booking()))

    def _patience(self) -> bool:
        """Whether to say something again; gives the errand up if not."""
        self._progress.again += 1
        if self._progress.again > _PATIENCE:
            self._fail()
            return False
        return True

    def _fail(self) -> None:
        self._push("light", self._words.resigned())
        self._finish()

    def _finish(self) -> None:
        errand, self._errand = self._errand, None
        if errand is not None and self._mischief.dwells():
            # Misprioritization: the first part is never left.
            self._errand, self._progress.again = errand, 0
            self._insist(errand)
        elif self._mischief.leaves_early():
            self._waiting.clear()

    def _push(self, kind: str, text: str) -> None:
        self._acts.append(Act(kind, text))

    def _untold(self, slots: Slots) -> Slots:
        return {name: value for name, value in slots.items() if name not in self._progress.told}

    # What is popped from it.

    def _speak(self, number: int, state: GoalState | None) -> tuple[str | None, bool]:
        """The next message, and whether it says goodbye; None once there is nothing left to say."""
        parts = [self._words.greeting(self._plan.profile.get("name"))] if number == 1 else []
        if (chatter := self._mischief.chatter(number)) is not None:
            return " ".join([*parts, chatter]), False
        while self._acts:
            act = self._acts[-1]
            if parts and self._manners.too_long(" ".join([*parts, act.text])):
                return " ".join(parts), False
            parts.append(self._acts.pop().text)
            if act.kind != "light":
                return " ".join(parts), False
        left = self._max_turns - number
        if (errand := self._next_errand(state)) is not None:
            return self._open(errand, parts, number, hurry=left <= 2 * len(self._waiting) + 1), False
        if (wish := self._forgotten(state)) is not None:
            return " ".join([*parts, wish]), False
        if not self._recapped and left >= 0:
            self._recapped = True
            return " ".join([*parts, self._words.recap()]), False
        needed = bool(parts) or (self._plan.follows("say_thanks") and not self._closed)
        if not self._closed and (left >= 1 or needed):
            self._closed = True
            return " ".join([*parts, self._words.bye()]), True
        if (chatter := self._mischief.never_ends()) is not None:
            return chatter, False
        return None, True

    def _next_errand(self, state: GoalState | None) -> Subgoal | None:
        """The next errand to bring up; one that the goal state says is done is left out."""
        while self._waiting:
            errand = self._waiting.pop(0)
            if state is not None and done(errand, state):
                continue
            self._errand, self._progress = errand, SubgoalProgress()
            return errand
        return None

    def _open(self, errand: Subgoal, parts: list[str], number: int, hurry: bool) -> str:
        """Bring up an errand, with as much of it as fits."""
        progress = self._progress
        if self._mischief.slow:
            progress.told.clear()
            return " ".join([*parts, f"I am looking for a {errand.kind}."])
        conditional = bool(errand.condition.get("fact"))
        terms = {} if conditional or not (hurry or self._rng.random() < 0.6) else errand.booking()
        first = number == 1
        opening = self._words.opening(errand, first, terms)
        wished = {name: value for name, value in errand.search().items() if name in errand.wish}
        wish = self._words.wish(errand, wished) if wished else ""
        text = " ".join(part for part in (*parts, opening, wish) if part)
        if self._manners.too_long(text):
            terms = {}
            text = " ".join(part for part in (self._words.opening(errand, True, {}), wish) if part)
            text = text if number > 1 else f"Hello. {text}"
        progress.told.update(errand.search(), terms)
        if errand.intent in ("change", "cancel"):
            progress.told.update(errand.booking())
        self._wishes_told.update(f"{errand.objective}:{name}" for name in wished)
        return text

    def _forgotten(self, state: GoalState | None) -> str | None:
        """A preference the goal state says was never made known."""
        for errand in self._plan.errands if state is not None else ():
            for name, value in errand.wish.items():
                key = f"{errand.objective}:{name}"
                if key not in self._wishes_told and state is not None and not kept(errand, state):
                    self._wishes_told.add(key)
                    return self._words.wish(errand, {name: value})
        return None
