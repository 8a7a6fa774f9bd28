"""The parts of a goal, each an objective with what belongs to it, and the progress of each in an episode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal_state import ComponentState
from pytest_ugst.core.status import CHAINS, Category, advance, first_status

TASK = frozenset({Category.OBJECTIVE, Category.REQUIREMENT})
"""The categories whose success takes action by the user."""
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """about all also and any are ask been book but can could find for from get had has have how into its just look
        make may might must need not one only other out own reserve should some such than that the their them then
        there they this three too two very want was were what when where which who will with would you your""",
    )
)
_SHARE = 4  # the user spoke of a part with two of its words, or with one where it has at most four


@dataclass(frozen=True, slots=True)
class Part:
    """An objective with its requirements and preferences; a sub-component without an objective is a part by itself."""

    members: tuple[ComponentState, ...]
    """Their states at the end."""
    moves: tuple[int, ...]
    """The turns in which the status of a member changed."""
    mentioned: tuple[int, ...]
    """The turns in which the user said a word that occurs in this part and in no other."""
    recognized: bool
    """Whether the user said enough such words to conclude that they spoke of the part."""

    @property
    def done(self) -> bool:
        """Return whether nothing is left to do: objective and requirements succeeded, or lack a verdict."""
        return all(s.succeeded or s.error is not None for s in self.members if s.category in TASK)

    @property
    def known(self) -> bool:
        """Return whether there is a verdict on the objective and every requirement."""
        return all(s.error is None for s in self.members if s.category in TASK)

    @property
    def named(self) -> tuple[int, ...]:
        """The turns in which the user spoke of the part."""
        return self.mentioned if self.recognized else ()

    @property
    def brought_up(self) -> bool:
        """Return whether the user got to the part at all."""
        return bool(self.moves or self.named)


def moves(state: ComponentState) -> tuple[int, ...]:
    """Return the turns in which the status of a sub-component changed."""
    status, turns = first_status(state.category), []
    for verdict in state.verdicts:
        if verdict.status in CHAINS[state.category]:
            later = advance(state.category, status, verdict.status)
            if later is not status:
                status = later
                turns.append(verdict.turn)
    return tuple(turns)


def parts(episode: Episode) -> tuple[Part, ...]:
    """Return the parts of an episode's goal, in its order."""
    groups: dict[str, list[ComponentState]] = {}
    for state in episode.final_state:
        if state.category in TASK or state.category is Category.PREFERENCE:
            groups.setdefault(state.component.parent or state.component.id, []).append(state)
    words = {name: stems(" ".join(s.text for s in group)) for name, group in groups.items()}
    utterances = [stems(text) for text in _utterances(episode.conversation)]
    result = []
    for name, group in groups.items():
        own = words[name].difference(*(other for key, other in words.items() if key != name))
        turns = sorted({turn for state in group for turn in moves(state)})
        mentioned = tuple(turn for turn, text in enumerate(utterances, 1) if own & text)
        used = own.intersection(frozenset().union(*utterances))
        recognized = bool(used) and len(used) * _SHARE >= min(len(own), 2 * _SHARE)
        result.append(Part(tuple(group), tuple(turns), mentioned, recognized))
    return tuple(result)


def _utterances(conversation: Conversation) -> list[str]:
    """Return the user's utterances without the goodbye: "that is all, have a nice day" names no part of a goal."""
    utterances = [turn.user for turn in conversation.turns]
    closing = conversation.closing
    if conversation.stop is StopReason.USER_ENDED and (closing is None or closing.separate):
        utterances[-1:] = []
    return utterances


def stems(text: str) -> frozenset[str]:
    """Return the words of at least three letters, cut to their first five, so that endings don't matter."""
    return frozenset(word[:5] for word in re.findall(r"[^\W_]{3,}", text.casefold()) if word not in _EMPTY)
