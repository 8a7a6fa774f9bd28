"""The parts of a goal, and what became of each in an episode: an objective with what belongs to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_ugst.core.episode import Episode
from pytest_ugst.core.state import CHAINS, Category, advance, first_status
from pytest_ugst.core.tracking import ComponentState

_EMPTY = frozenset(
    "and any are ask book but can find for from get have into look make must need not one only reserve should some "
    "that the their them then there they this three two want will with would you your".split()
)
_TASK = frozenset({Category.OBJECTIVE, Category.REQUIREMENT})


@dataclass(frozen=True, slots=True)
class Part:
    """An objective with its requirements and preferences; one without an objective stands for itself."""

    members: tuple[ComponentState, ...]
    """As they ended, the objective first."""
    moves: tuple[int, ...]
    """The turns in which a status of a member moved."""
    words: int
    """How many of the words that name no other part the user said."""

    @property
    def done(self) -> bool:
        """Whether objective and requirements succeeded, or lack a verdict."""
        return all(s.succeeded or s.error is not None for s in self.members if s.category in _TASK)

    @property
    def brought_up(self) -> bool:
        """Whether the user got to it at all."""
        return bool(self.moves) or self.words > 0


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
        if state.category in _TASK or state.category is Category.PREFERENCE:
            groups.setdefault(state.component.parent or state.component.id, []).append(state)
    named = {name: stems(" ".join(s.text for s in group)) for name, group in groups.items()}
    said = stems(" ".join(turn.user for turn in episode.conversation.turns))
    made = []
    for name, group in groups.items():
        others = frozenset().union(*(words for other, words in named.items() if other != name))
        turns = sorted({turn for state in group for turn in moves(state)})
        made.append(Part(tuple(group), tuple(turns), len((named[name] - others) & said)))
    return tuple(made)


def stems(text: str) -> frozenset[str]:
    """The words of a text from three letters on, by their first five, so that endings don't matter."""
    return frozenset(word[:5] for word in re.findall(r"[^\W_]{3,}", text.casefold()) if word not in _EMPTY)
