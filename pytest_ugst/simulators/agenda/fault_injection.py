"""What planted faults make of a rule-based user, turn by turn."""

from __future__ import annotations

import random

from pytest_ugst.simulators.agenda.faults import (
    SMALL_TALK,
    break_policy,
    confuse,
    contradict_plan,
    contradict_profile,
    unkept,
)
from pytest_ugst.simulators.agenda.user_goal import UserGoal


class Mischief:
    """The faults that strike in one episode; without any it changes nothing.

    ``confusion`` and the constraints that ``contradiction`` gets wrong change the plan once, at the start.
    """

    def __init__(self, struck: frozenset[str], plan: UserGoal, rng: random.Random) -> None:
        self._rng = rng
        self._plan = plan
        self._notes: list[str] = []
        self._contradicts = "contradiction" in struck
        self._said: list[str] = []
        self.slow = "poor_length_management" in struck
        """Whether turns are wasted."""
        self.stuck = False
        """Whether the user never gives a part up."""
        self._quits = False
        self._cut_at = 0
        self._endless = False
        if "confusion" in struck:
            self._note(f"confusion ({confuse(plan, rng)})")
        if self._contradicts:
            said = contradict_profile(plan.profile, rng)
            self._said = [rng.choice(said)] if said else []
            if rng.random() < 0.4 and (mixed := contradict_plan(plan, rng)) is not None:
                self._note(f"contradiction ({mixed})")
        if "wrongful_termination" in struck:
            if rng.random() < 0.75:
                self._cut_at = rng.choice((1, 1, 2))
            else:
                self._endless = True
        if "misprioritization" in struck:
            self.stuck = rng.random() < 0.5
            self._quits = not self.stuck

    def _note(self, what: str) -> None:
        self._notes.append(f"planted fault: {what}")

    def note(self) -> str | None:
        """What struck since this was last asked."""
        notes, self._notes = self._notes, []
        return "; ".join(notes) or None

    def leaves_out(self, behaviour: str) -> bool:
        """Whether the user does not do what a policy asks to be done once."""
        if self._contradicts and any(p.get("behaviour") == behaviour and unkept(p) for p in self._plan.policies):
            self._note(f"contradiction (leaves out {behaviour})")
            return True
        return False

    def spoil(self, text: str, number: int) -> str:
        """Contradict profile and policies in an utterance."""
        if not self._contradicts or number > 2:
            return text
        if number == 1:
            for policy in self._plan.policies:
                broken = break_policy(text, policy, self._rng)
                if broken != text:
                    self._note(f"contradiction (against {policy.get('behaviour')})")
                    text = broken
        if self._said and number == 2:
            self._note("contradiction (against the profile)")
            text = f"{text} {self._said.pop()}"
        return text

    def cuts_short(self, number: int) -> bool:
        """Whether the user ends the conversation with this utterance, before the agent can answer it."""
        if number != self._cut_at:
            return False
        self._note("wrongful_termination (ends before the agent can answer)")
        return True

    def never_ends(self) -> str | None:
        """Chatter in place of an end."""
        if not self._endless:
            return None
        self._note("wrongful_termination (does not end)")
        return self._rng.choice(SMALL_TALK)

    def chatter(self, number: int) -> str | None:
        """Small talk in place of progress: every other turn."""
        if not self.slow or number % 2 == 0:
            return None
        self._note("poor_length_management (wastes a turn)")
        return self._rng.choice(SMALL_TALK)

    def dwells(self) -> bool:
        """Whether the user stays with an errand that is over."""
        if self.stuck:
            self._note("misprioritization (is stuck on one part)")
        return self.stuck

    def satisfied(self) -> bool:
        """Whether the user skips the questions that are left."""
        return self._quits

    def leaves_early(self) -> bool:
        """Whether the user ends after one part of the goal."""
        if self._quits:
            self._note("misprioritization (ends after one part)")
        return self._quits
