"""The parts of a goal, and what became of each in an episode: an objective with what belongs to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal_state import ComponentState
from pytest_ugst.core.status import CHAINS, Category, advance, first_status

TASK = frozenset({Category.OBJECTIVE, Category.REQUIREMENT})
"""The categories whose success has to be worked for."""
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """about all also and any are ask been book but can could find for from get had has have how into its just look
        make may might must need not one only other out own reserve should some such than that the their them then
        there they this three too two very want was were what when where which who will with would you your""",
    )
)
_SHARE = 4  # a part is named by two of its words, or by one where it has at most four


@dataclass(frozen=True, slots=True)
class Part:
    """An objective with its requirements and preferences; one without an objective stands for itself."""

    members: tuple[ComponentState, ...]
    """As they ended."""
    moves: tuple[int, ...]
    """The turns in which a status of a member moved."""
    mentioned: tuple[int, ...]
    """The turns in which the user said a word that stands in this part and in no other."""
    recognized: bool
    """Whether such words are enough to say that the user spoke of it."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do about it: objective and requirements succeeded, or lack a verdict."""
        return all(s.succeeded or s.error is not None for s in self.members if s.category in TASK)

    @property
    def known(self) -> bool:
        """Whether there is a verdict on all that has to be done about it."""
        return all(s.error is None for s in self.members if s.category in TASK)

    @property
    def named(self) -> tuple[int, ...]:
        """The turns in which the user spoke of it."""
        return self.mentioned if self.recognized else ()

    @property
    def brought_up(self) -> bool:
        """Whether the user got to it at all."""
        return bool(self.moves or self.named)


def moves(state: ComponentState) -> tuple[int, ...]:
    """The turns in which a sub-component's status moved."""
    status, turns = first_status(state.category), []
    for verdict in state.verdicts:
        if verdict.status in CHAINS[state.category]:
            later = advance(state.category, status, verdict.status)
            if later is not status:
                status = later
                turns.append(verdict.turn)
    return tuple(turns)


def parts(episode: Episode) -> tuple[Part, ...]:
    """The parts of an episode's goal, in its order."""
    groups: dict[str, list[ComponentState]] = {}
    for state in episode.final_state:
        if state.category in TASK or state.category is Category.PREFERENCE:
            groups.setdefault(state.component.parent or state.component.id, []).append(state)
    words = {name: stems(" ".join(s.text for s in group)) for name, group in groups.items()}
    spoken = [stems(text) for text in _spoken(episode.conversation)]
    made = []
    for name, group in groups.items():
        own = words[name].difference(*(other for key, other in words.items() if key != name))
        turns = sorted({turn for state in group for turn in moves(state)})
        mentioned = tuple(turn for turn, text in enumerate(spoken, 1) if own & text)
        said = own.intersection(frozenset().union(*spoken))
        recognized = bool(said) and len(said) * _SHARE >= min(len(own), 2 * _SHARE)
        made.append(Part(tuple(group), tuple(turns), mentioned, recognized))
    return tuple(made)


def _spoken(conversation: Conversation) -> list[str]:
    """What the user said, without the goodbye: "that is all, have a nice day" names no part of a goal."""
    spoken = [turn.user for turn in conversation.turns]
    closing = conversation.closing
    if conversation.stop is StopReason.USER_ENDED and (closing is None or closing.separate):
        spoken[-1:] = []
    return spoken


def stems(text: str) -> frozenset[str]:
    """The words of a text from three letters on, by their first five, so that endings don't matter."""
    return frozenset(word[:5] for word in re.findall(r"[^\W_]{3,}", text.casefold()) if word not in _EMPTY)
