"""Which failure patterns an episode shows, from its record alone.

The patterns are those of Table 1 in "Goal Alignment in LLM-Based User Simulators for Conversational AI"; the rules that
tell them apart by statuses over turns, stop reason and closing are this project's own (``docs/failures.md``).
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.failure import Failure, Pattern
from pytest_ugst.core.state import HELD, Category
from pytest_ugst.core.tracking import ComponentState
from pytest_ugst.core.verdict import Evidence
from pytest_ugst.metrics.parts import moves, parts

IDLE_TURNS = 3
"""Whole turns with nothing left to do, up to the limit, from which on a conversation goes on idly: one may be a
goodbye, another the agent's doing."""
STUCK_TURNS = 5
"""Turns in a row in which no status moves, up to the limit, from which on a user is stuck."""


def classify(episode: Episode) -> tuple[Failure, ...]:
    """The failure patterns of an episode by rule, the primary one first; none where nothing failed.

    Sub-components without a trustworthy verdict show no pattern. An episode whose goal was kept shows one where its
    end was wrong.
    """
    if episode.broken_off:
        return rank(_Reading(episode).contradictions())
    reading = _Reading(episode)
    return rank([*reading.contradictions(), *reading.ends(), *reading.rest()])


def rank(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Failures with the primary one first: the one by which most sub-components failed; at a tie, as they came."""
    return tuple(sorted(failures, key=lambda failure: -len(failure.components)))


class _Reading:
    """One episode, read once. Every failed sub-component goes to the first pattern that explains it."""

    def __init__(self, episode: Episode) -> None:
        self.episode = episode
        self.conversation = episode.conversation
        self.turns = len(episode.conversation.turns)
        self.left = {s.component.id: s for s in episode.final_state.failures() if s.error is None}
        self.parts = parts(episode)

    def _take(self, states: Iterable[ComponentState]) -> tuple[str, ...]:
        """Ids of those still to be explained, which they are from now on."""
        return tuple(s.component.id for s in states if self.left.pop(s.component.id, None) is not None)

    def contradictions(self) -> list[Failure]:
        """What the user did against profile and policies."""
        broken = [s for s in self.left.values() if s.category in HELD and not self._left_out(s)]
        if not broken:
            return []
        evidence = tuple(e for s in broken if s.decisive for e in s.decisive.evidence if e.speaker == "user")
        turn = min((m for s in broken for m in moves(s)), default=None)
        what = " and ".join(sorted({s.category.value for s in broken}, reverse=True))
        return [
            Failure(
                pattern=Pattern.CONTRADICTION,
                why=f"goes against the {what}",
                turn=turn,
                components=self._take(broken),
                evidence=evidence,
            )
        ]

    def _left_out(self, state: ComponentState) -> bool:
        """Whether a policy is broken by what was never done, which shows only at the end and in no words."""
        verdict = state.decisive
        return moves(state) == (self.turns,) and verdict is not None and not verdict.evidence

    def ends(self) -> list[Failure]:
        """What is wrong with how the conversation ended."""
        stop, closing = self.conversation.stop, self.conversation.closing
        if stop is StopReason.TURN_LIMIT:
            return self._at_the_limit()
        if stop is not StopReason.USER_ENDED:
            return []
        unheard = closing is not None and (closing.asked or closing.before_reply)
        if not (unheard or self.turns == 0):
            return []
        said = () if closing is None else (Evidence(turn=max(self.turns, 1), speaker="user", quote=closing.text),)
        return [
            Failure(
                pattern=Pattern.WRONGFUL_TERMINATION,
                why="ends the conversation before the agent can answer",
                turn=self.turns or None,
                components=self._take(list(self.left.values())),
                evidence=said,
            )
        ]

    def _at_the_limit(self) -> list[Failure]:
        last = max((m for part in self.parts for m in part.moves), default=0)
        still = self.turns - last
        if all(part.done for part in self.parts):
            if still < IDLE_TURNS:
                return []
            return [
                Failure(
                    pattern=Pattern.WRONGFUL_TERMINATION,
                    why=f"goes on for {still} turns with nothing left to do, until it is cut off",
                    turn=last + 1,
                    components=self._take(list(self.left.values())),
                )
            ]
        return self._stuck(last, still) if self._is_stuck(still) else self._cut_off()

    def _is_stuck(self, still: int) -> bool:
        worked = [part for part in self.parts if part.moves]
        return still >= STUCK_TURNS and len(worked) < len(self.parts)

    def _stuck(self, last: int, still: int) -> list[Failure]:
        return [
            Failure(
                pattern=Pattern.MISPRIORITIZATION,
                why=f"stays with one part for {still} turns without progress while others are untouched",
                turn=last + 1,
                components=self._take(list(self.left.values())),
            )
        ]

    def _cut_off(self) -> list[Failure]:
        return [
            Failure(
                pattern=Pattern.POOR_LENGTH_MANAGEMENT,
                why=f"is cut off at the limit of {self.episode.max_turns} turns with parts of the goal open",
                turn=self.turns,
                components=self._take(list(self.left.values())),
            )
        ]

    def rest(self) -> list[Failure]:
        """What is left open by a user who ended the conversation."""
        found: list[Failure] = []
        neglected = [part for part in self.parts if not part.done and not part.brought_up]
        if neglected and any(part.brought_up for part in self.parts):
            ids = self._take(s for part in neglected for s in part.members)
            ids += self._take([s for s in self.left.values() if s.category is Category.POLICY])
            found.append(
                Failure(
                    pattern=Pattern.MISPRIORITIZATION,
                    why="ends the conversation with parts of the goal never brought up",
                    turn=self.turns,
                    components=ids,
                )
            )
        elif neglected:
            found.append(
                Failure(
                    pattern=Pattern.WRONGFUL_TERMINATION,
                    why="ends the conversation with no part of the goal brought up",
                    turn=self.turns,
                    components=self._take(list(self.left.values())),
                )
            )
        omitted = [s for s in self.left.values() if s.category in HELD]
        if omitted and len(omitted) == len(self.left):
            found.append(
                Failure(
                    pattern=Pattern.CONTRADICTION,
                    why="never does what the goal says they do",
                    turn=self.turns,
                    components=self._take(omitted),
                )
            )
        if self.left:
            found.append(
                Failure(
                    pattern=Pattern.CONFUSION,
                    why="forgets or mixes up parts of the goal",
                    components=self._take(list(self.left.values())),
                )
            )
        return found
