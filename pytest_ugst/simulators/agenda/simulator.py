"""A rule-based user simulator with an agenda: a stack of dialogue acts.

After Schatzmann et al. 2007, "Agenda-Based User Simulation for Bootstrapping a POMDP Dialogue System": the user's state
is a goal (constraints and requests, see :mod:`.user_goal`) and an agenda (see :mod:`.agenda`). Every reply of the agent
pushes acts that answer it (see :mod:`.agenda_update`); a message is a few acts popped from the top. The user reads
nothing but the agent's words.

``agenda`` plays goals whose components carry ``slots``; ``agenda:FAULT`` plays them badly, see :mod:`.faults`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pytest_ugst.core.conversation import Closing, Conversation, StopReason
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import UserTurn
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.simulators.agenda.agenda import Agenda, has_successful_parts
from pytest_ugst.simulators.agenda.agenda_update import AgendaUpdater
from pytest_ugst.simulators.agenda.fault_injection import FaultInjector
from pytest_ugst.simulators.agenda.faults import Fault, draw_faults, parse
from pytest_ugst.simulators.agenda.nlg import TemplateNlg
from pytest_ugst.simulators.agenda.nlu import interpret
from pytest_ugst.simulators.agenda.style import Style
from pytest_ugst.simulators.agenda.user_goal import Subgoal, UserGoal, read_user_goal

INDICATOR = "TERMINATE"
"""The message that ends a conversation; see :mod:`pytest_ugst.simulators.termination`."""


def make(argument: str | None, context: RoleContext) -> AgendaFactory:
    """Make what ``--ugst-sim=agenda[:FAULTS]`` names.

    Args:
        argument: None for a faithful user; else planted faults such as ``confusion@0.3+contradiction``.
        context: Not needed: the agenda talks to no model.

    Raises:
        UsageError: For an unknown fault or a wrong rate.
    """
    return AgendaFactory(f"agenda:{argument}" if argument else "agenda", parse(argument))


@dataclass(frozen=True, slots=True)
class AgendaFactory:
    """Factory of agenda simulators, one per episode."""

    name: str = "agenda"
    faults: tuple[Fault, ...] = ()

    def start(self, goal: Goal, seed: int, max_turns: int) -> AgendaSimulator:
        """Return a simulator for one episode; the same seed gives the same words.

        Raises:
            UsageError: If the goal's components carry no slots.
        """
        rng = random.Random(f"{seed}:{goal.id}")  # noqa: S311
        user_goal = read_user_goal(goal)
        faults = FaultInjector(draw_faults(self.faults, rng), user_goal, rng)
        return AgendaSimulator(user_goal, max_turns, rng, faults)


class AgendaSimulator:
    """The user of one episode, played by rules."""

    def __init__(self, user_goal: UserGoal, max_turns: int, rng: random.Random, faults: FaultInjector) -> None:
        """Play one goal.

        Args:
            user_goal: The goal. It is changed on the way, where preferences are given up.
            max_turns: Turns the conversation may take.
            rng: Source of all choices; shared with ``faults``.
            faults: The faults planted in this episode.
        """
        self._user_goal = user_goal
        self._max_turns = max_turns
        self._rng = rng
        self._nlg = TemplateNlg(rng)
        self._style = Style(user_goal, rng)
        self._faults = faults
        self._agenda = Agenda(user_goal.subgoals)
        self._updater = AgendaUpdater(self._agenda, user_goal, self._nlg, faults)
        self._expressed: set[str] = set()
        """Preferences made known, as ``OBJECTIVE:SLOT``."""
        self._closed = False
        """Set once goodbye was said."""
        self._recapped = not user_goal.follows("ask_to_repeat_booking") or faults.leaves_out("ask_to_repeat_booking")
        """Set once the user asked for the bookings to be repeated; from the start where no policy asks for that."""

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Return the next message, or end the conversation."""
        number = len(conversation.turns) + 1
        if conversation.turns:
            self._updater.update(interpret(conversation.turns[-1].agent))
        text, closing = self._next_message(number, state)
        if text is None:
            return UserTurn(
                text="",
                reasoning=self._faults.take_note(),
                stop=StopReason.USER_ENDED,
                closing=Closing(text=INDICATOR, separate=True, before_reply=number == 1),
            )
        text = self._faults.contradict(self._style.apply(text, closing), number)
        if self._faults.ends_prematurely(number):
            return UserTurn(
                text=text,
                reasoning=self._faults.take_note(),
                stop=StopReason.USER_ENDED,
                closing=Closing(text=f"{text} {INDICATOR}", separate=False, asked=True, before_reply=number == 1),
            )
        return UserTurn(text=text, reasoning=self._faults.take_note())

    def _next_message(self, number: int, state: GoalState | None) -> tuple[str | None, bool]:
        """Return the next message, and whether it says goodbye; None once there is nothing left to say."""
        parts = [self._nlg.greeting(self._user_goal.profile.get("name"))] if number == 1 else []
        if (small_talk := self._faults.small_talk(number)) is not None:
            return " ".join([*parts, small_talk]), False
        if self._pop_acts(parts):
            return " ".join(parts), False
        turns_left = self._max_turns - number
        if (subgoal := self._agenda.start_next(state)) is not None:
            hurry = turns_left <= 2 * len(self._agenda.pending) + 1
            return self._open(subgoal, parts, number, hurry), False
        if (preference := self._unexpressed_preference(state)) is not None:
            return " ".join([*parts, preference]), False
        return self._close(parts, turns_left)

    def _pop_acts(self, parts: list[str]) -> bool:
        """Move acts from the agenda to the parts of a message; return whether the message is full."""
        while (act := self._agenda.top) is not None:
            if parts and self._style.is_too_long(" ".join([*parts, act.text])):
                return True
            parts.append(self._agenda.pop().text)
            if act.kind != "aside":
                return True
        return False

    def _close(self, parts: list[str], turns_left: int) -> tuple[str | None, bool]:
        """Return the messages after the last subgoal: a request to repeat the bookings, and goodbye."""
        if not self._recapped and turns_left >= 0:
            self._recapped = True
            return " ".join([*parts, self._nlg.recap()]), False
        needed = bool(parts) or (self._user_goal.follows("say_thanks") and not self._closed)
        if not self._closed and (turns_left >= 1 or needed):
            self._closed = True
            return " ".join([*parts, self._nlg.bye()]), True
        if (small_talk := self._faults.never_ends()) is not None:
            return small_talk, False
        return None, True

    def _open(self, subgoal: Subgoal, parts: list[str], number: int, hurry: bool) -> str:
        """Return the message that brings up a subgoal, with as much of it as fits.

        Args:
            subgoal: The subgoal, just made the current one.
            parts: What to say before it.
            number: The number of the turn, from 1.
            hurry: Whether few turns are left, so that the booking's constraints have to be told right away.
        """
        informed = self._agenda.progress.informed
        if self._faults.wastes_turns:
            return " ".join([*parts, f"I am looking for a {subgoal.kind}."])
        conditional = bool(subgoal.condition.get("fact"))
        booking = {} if conditional or not (hurry or self._rng.random() < 0.6) else subgoal.booking_slots()
        opening = self._nlg.opening(subgoal, number == 1, booking)
        preferred = {name: value for name, value in subgoal.search_slots().items() if name in subgoal.preferences}
        preference = self._nlg.preference(subgoal, preferred) if preferred else ""
        text = " ".join(part for part in (*parts, opening, preference) if part)
        if self._style.is_too_long(text):
            booking = {}
            text = " ".join(part for part in (self._nlg.opening(subgoal, True, {}), preference) if part)
            text = text if number > 1 else f"Hello. {text}"
        informed.update(subgoal.search_slots(), booking)
        if subgoal.intent in ("change", "cancel"):
            informed.update(subgoal.booking_slots())
        self._expressed.update(f"{subgoal.objective}:{name}" for name in preferred)
        return text

    def _unexpressed_preference(self, state: GoalState | None) -> str | None:
        """Return words for a preference that, by the goal state, was never made known."""
        if state is None:
            return None
        for subgoal in self._user_goal.subgoals:
            for name, value in subgoal.preferences.items():
                key = f"{subgoal.objective}:{name}"
                if key not in self._expressed and not has_successful_parts(subgoal, state):
                    self._expressed.add(key)
                    return self._nlg.preference(subgoal, {name: value})
        return None
