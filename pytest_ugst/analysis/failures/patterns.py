"""The failure patterns of an episode by rule, from its record alone.

The patterns are those of Table 1 in "Goal Alignment in LLM-Based User Simulators for Conversational AI"; the rules that
tell them apart by statuses over turns, stop reason and closing are this project's own (``docs/failures.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_ugst.analysis.failures.parts import Part, moves, parts
from pytest_ugst.analysis.failures.record import Failure, Pattern
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal_state import ComponentState
from pytest_ugst.core.status import HELD, Category
from pytest_ugst.core.verdict import Evidence

IDLE_TURNS = 3
"""The number of whole turns with nothing left to do, up to the limit, from which on a conversation counts as idle: one
turn may be a goodbye, another the agent's doing."""
STUCK_TURNS = 5
"""The number of turns in a row without a change of status, up to the limit, from which on a user may be stuck."""
CLINGS = 4
"""A user counts as stuck who speaks of one part in all but one in this many of those turns."""


def classify(episode: Episode) -> tuple[Failure, ...]:
    """Return the failure patterns of an episode by rule, the primary one first; none if nothing failed.

    Every failed sub-component belongs to one pattern. Those without a trustworthy verdict show none. An episode whose
    goal was kept shows a pattern if its end was wrong.
    """
    classification = _Classification(episode)
    found = classification.contradictions()
    if not classification.broken_off:
        found += classification.end()
        found += classification.neglected()
        found += classification.rest()
    return rank(found)


SETTLED = frozenset({Pattern.WRONGFUL_TERMINATION, Pattern.POOR_LENGTH_MANAGEMENT})
"""Patterns that the record decides. Which of the others a sub-component shows takes an understanding of what was said,
so that rules can only guess."""


def unsettled(episode: Episode, by_rule: Sequence[Failure]) -> tuple[ComponentState, ...]:
    """Return the failed sub-components whose pattern a judge model may know better than the rules."""
    ids = {name for failure in by_rule if failure.pattern not in SETTLED for name in failure.components}
    return tuple(s for s in episode.final_state if s.component.id in ids)


def merge(by_rule: Sequence[Failure], judged: Sequence[Failure]) -> tuple[Failure, ...]:
    """Replace the rules' guesses by a judge model's answers, sub-component by sub-component."""
    taken = {name for failure in judged for name in failure.components}
    kept = []
    for failure in by_rule:
        rest = tuple(name for name in failure.components if name not in taken)
        if rest or not failure.components:
            kept.append(failure.model_copy(update={"components": rest}))
    return rank([*judged, *kept])


def rank(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Sort failures, the primary one first.

    What was said or done against the goal comes before what was left undone; then comes the pattern by which more
    sub-components failed; ties keep their order.
    """
    return tuple(sorted(failures, key=lambda one: (one.pattern is not Pattern.CONTRADICTION, -len(one.components))))


def clings(part: Part, turns: range) -> bool:
    """Return whether the user speaks of a part in all but one in :data:`CLINGS` of the turns."""
    return CLINGS * sum(turn in turns for turn in part.named) >= len(turns) * (CLINGS - 1)


class _Classification:
    """The classification of one episode: a failed sub-component belongs to the first pattern that explains it.

    ``left`` holds the failed sub-components that no pattern explains yet, by id; each method takes out those that it
    explains.
    """

    def __init__(self, episode: Episode) -> None:
        """Read the parts and the failed sub-components of an episode."""
        self.conversation = episode.conversation
        self.broken_off = episode.broken_off is not None
        self.limit = episode.max_turns
        self.turns = len(episode.conversation.turns)
        self.left = {s.component.id: s for s in episode.final_state.failures() if s.error is None}
        self.parts = parts(episode)

    def contradictions(self) -> list[Failure]:
        """Return what the user did against profile and policies."""
        broken = [s for s in self.left.values() if s.category in HELD and not self._left_out(s)]
        if not broken:
            return []
        evidence = tuple(e for s in broken if s.decisive for e in s.decisive.evidence if e.speaker == "user")
        what = " and ".join(c for c in ("profile", "policy") if any(s.category == c for s in broken))
        turn = min(turn for s in broken for turn in moves(s))
        return [self._failure(Pattern.CONTRADICTION, f"goes against the {what}", turn, broken, evidence)]

    def end(self) -> list[Failure]:
        """Return what was wrong with the end of the conversation."""
        stop, closing = self.conversation.stop, self.conversation.closing
        if stop is StopReason.TURN_LIMIT and self.parts:
            return self._at_the_limit()
        unheard = closing is not None and (closing.before_reply or (closing.asked and bool(self.left)))
        if stop is not StopReason.USER_ENDED or not (unheard or self.turns == 0):
            return []  # a user who asks with nothing left open is only polite
        closing_words = (
            () if closing is None else (Evidence(turn=max(self.turns, 1), speaker="user", quote=closing.text),)
        )
        why = "ends the conversation before the agent can answer"
        return [self._failure(Pattern.WRONGFUL_TERMINATION, why, self.turns, self.left.values(), closing_words)]

    def _at_the_limit(self) -> list[Failure]:
        last = max((turn for part in self.parts for turn in part.moves), default=0)
        still = self.turns - last
        open_parts = [part for part in self.parts if not part.done]
        if not open_parts and still >= IDLE_TURNS and all(part.known for part in self.parts):
            why = f"goes on for {still} turns with nothing left to do, until it is cut off"
            return [self._failure(Pattern.WRONGFUL_TERMINATION, why, last + 1, self._omissions())]
        if not (open_parts or self._omissions()):
            return []
        since = range(last + 1, self.turns + 1)
        clung = [part for part in self.parts if still >= STUCK_TURNS and clings(part, since)]
        if len(clung) == 1 and any(part is not clung[0] for part in open_parts):
            why = f"stays with one part for {still} turns without progress while others are open"
            return [self._failure(Pattern.MISPRIORITIZATION, why, last + 1, self.left.values())]
        if open_parts and not any(part.brought_up for part in self.parts) and not self._tools():
            why = "never brings up anything of the goal, until it is cut off"
            return [self._failure(Pattern.CONFUSION, why, self.turns, self.left.values())]
        why = f"is cut off at the limit of {self.limit} turns with parts of the goal open"
        return [self._failure(Pattern.POOR_LENGTH_MANAGEMENT, why, self.turns, self.left.values())]

    def neglected(self) -> list[Failure]:
        """Return the parts that a user who ended the conversation never got to."""
        never = [part for part in self.parts if not part.done and not part.brought_up]
        if not never or not any(s.component.id in self.left for part in never for s in part.members):
            return []
        if self._strays(never):
            return []  # the user asked for something, if not in the words of the goal
        if len(never) < len(self.parts):
            ignored = [*(s for part in never for s in part.members), *self._omissions()]
            why = "ends the conversation with parts of the goal never brought up"
            return [self._failure(Pattern.MISPRIORITIZATION, why, self.turns, ignored)]
        why = "ends the conversation with nothing of the goal brought up"
        return [self._failure(Pattern.WRONGFUL_TERMINATION, why, self.turns, self.left.values())]

    def rest(self) -> list[Failure]:
        """Return what no other pattern explains: done otherwise, left unfinished, or never done."""
        if not self.left:
            return []
        left = tuple(self.left.values())
        unfinished = {s.component.id for s in left if s.category is Category.OBJECTIVE}
        reasons = {
            "leaves a task unfinished": bool(unfinished),
            "does a task otherwise than required": any(
                s.category is Category.REQUIREMENT and s.component.parent not in unfinished for s in left
            ),
            "never makes a preference known": any(s.category is Category.PREFERENCE for s in left),
            "forgets how to behave": any(s.category in HELD for s in left),
        }
        touched = [t for part in self.parts if not part.done for t in (*part.moves, *part.named)]
        why = "; ".join(words for words, holds in reasons.items() if holds)
        return [self._failure(Pattern.CONFUSION, why, max(touched, default=self.turns), self.left.values())]

    def _strays(self, never: Sequence[Part]) -> bool:
        """Return whether the agent did something that may have been meant for one of those parts.

        This is assumed of a tool call that belongs to no part that was brought up, if the user said a word of one of
        ``never``, or if no status of any part had changed yet.
        """
        known = {turn for part in self.parts if part.brought_up for turn in (*part.moves, *part.mentioned)}
        meant = {turn for part in never for turn in part.mentioned}
        first = min((turn for part in self.parts for turn in part.moves), default=self.turns + 1)
        return any(
            turn.tool_calls and number not in known and (number in meant or number < first)
            for number, turn in enumerate(self.conversation.turns, 1)
        )

    def _tools(self) -> bool:
        return any(turn.tool_calls for turn in self.conversation.turns)

    def _omissions(self) -> list[ComponentState]:
        return [s for s in self.left.values() if s.category in HELD]

    def _left_out(self, state: ComponentState) -> bool:
        """Return whether a profile or policy was broken by what was never done.

        Such a break shows only at the end and in no words. At the end of a conversation that broke off it can't be
        known.
        """
        if self.broken_off:
            return False
        verdict = state.decisive
        return moves(state) == (self.turns,) and verdict is not None and not verdict.evidence

    def _failure(
        self,
        pattern: Pattern,
        why: str,
        turn: int | None,
        states: Iterable[ComponentState],
        evidence: tuple[Evidence, ...] = (),
    ) -> Failure:
        """Make a failure of those of the sub-components that no other pattern explains yet."""
        ids = [s.component.id for s in states if s.component.id in self.left]
        for name in ids:
            del self.left[name]
        return Failure(pattern=pattern, why=why, turn=turn or None, components=tuple(ids), evidence=evidence)
