"""The injection of planted faults into a rule-based user, turn by turn."""

from __future__ import annotations

import random

from pytest_ugst.simulators.agenda.faults import (
    SMALL_TALK,
    break_policy,
    confuse,
    contradict_goal,
    contradict_profile,
    is_kept_by_doing,
)
from pytest_ugst.simulators.agenda.user_goal import UserGoal


class FaultInjector:
    """The faults of one episode; without any it changes nothing.

    ``confusion`` and the constraints that ``contradiction`` gets wrong change the goal once, at the start.

    Attributes:
        wastes_turns: Set where turns are wasted (``poor_length_management``).
        never_gives_up: Set where the user never gives a subgoal up (one form of ``misprioritization``).
    """

    def __init__(self, drawn: frozenset[str], user_goal: UserGoal, rng: random.Random) -> None:
        """Choose the forms the faults take.

        Args:
            drawn: The names of the faults that occur in this episode.
            user_goal: The goal; changed in place.
            rng: Source of all choices.
        """
        self._rng = rng
        self._user_goal = user_goal
        self._notes: list[str] = []
        self._contradicts = "contradiction" in drawn
        self._profile_contradictions: list[str] = []
        self.wastes_turns = "poor_length_management" in drawn
        self.never_gives_up = False
        self._leaves_early = False
        self._last_turn = 0
        """The turn after which the user ends too early; 0 for none."""
        self._endless = False
        if "confusion" in drawn:
            self._note(f"confusion ({confuse(user_goal, rng)})")
        if self._contradicts:
            sentences = contradict_profile(user_goal.profile, rng)
            self._profile_contradictions = [rng.choice(sentences)] if sentences else []
            if rng.random() < 0.4 and (change := contradict_goal(user_goal, rng)) is not None:
                self._note(f"contradiction ({change})")
        if "wrongful_termination" in drawn:
            if rng.random() < 0.75:
                self._last_turn = rng.choice((1, 1, 2))
            else:
                self._endless = True
        if "misprioritization" in drawn:
            self.never_gives_up = rng.random() < 0.5
            self._leaves_early = not self.never_gives_up

    def _note(self, what: str) -> None:
        self._notes.append(f"planted fault: {what}")

    def take_note(self) -> str | None:
        """Return the faults that showed since the last call; None for none."""
        notes, self._notes = self._notes, []
        return "; ".join(notes) or None

    def leaves_out(self, behaviour: str) -> bool:
        """Return whether the user does not do what a policy asks to be done once."""
        if self._contradicts and any(
            p.get("behaviour") == behaviour and is_kept_by_doing(p) for p in self._user_goal.policies
        ):
            self._note(f"contradiction (leaves out {behaviour})")
            return True
        return False

    def contradict(self, text: str, number: int) -> str:
        """Contradict profile and policies in a message.

        Args:
            text: The message.
            number: The number of the turn, from 1.
        """
        if not self._contradicts or number > 2:
            return text
        if number == 1:
            for policy in self._user_goal.policies:
                broken = break_policy(text, policy, self._rng)
                if broken != text:
                    self._note(f"contradiction (against {policy.get('behaviour')})")
                    text = broken
        if self._profile_contradictions and number == 2:
            self._note("contradiction (against the profile)")
            text = f"{text} {self._profile_contradictions.pop()}"
        return text

    def ends_prematurely(self, number: int) -> bool:
        """Return whether the user ends the conversation with this message, before the agent can answer it."""
        if number != self._last_turn:
            return False
        self._note("wrongful_termination (ends before the agent can answer)")
        return True

    def never_ends(self) -> str | None:
        """Return small talk in place of an end; None where the user ends."""
        if not self._endless:
            return None
        self._note("wrongful_termination (does not end)")
        return self._rng.choice(SMALL_TALK)

    def small_talk(self, number: int) -> str | None:
        """Return small talk in place of progress, in every other turn; None where the user gets on."""
        if not self.wastes_turns or number % 2 == 0:
            return None
        self._note("poor_length_management (wastes a turn)")
        return self._rng.choice(SMALL_TALK)

    def stays_with_subgoal(self) -> bool:
        """Return whether the user stays with a subgoal that is over."""
        if self.never_gives_up:
            self._note("misprioritization (is stuck on one part)")
        return self.never_gives_up

    def skips_requests(self) -> bool:
        """Return whether the user leaves out the requests that are left."""
        return self._leaves_early

    def leaves_early(self) -> bool:
        """Return whether the user ends after one part of the goal."""
        if self._leaves_early:
            self._note("misprioritization (ends after one part)")
        return self._leaves_early
