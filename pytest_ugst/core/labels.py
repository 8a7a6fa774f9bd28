"""Goal states as somebody sees them: one record per conversation and annotator, whoever the annotator is.

A person who annotates, a judge whose verdicts were folded, checks, hand-made gold labels: all of them become
:class:`StateLabels`, so that any two can be compared. In a file they stand one record a line (JSONL).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Literal

from pydantic import Field, model_validator

from pytest_ugst.core.base import MAX_NAME, Frozen, Name, SafeText
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import CHAINS, Category, Status

LABELS_VERSION: Literal[1] = 1

ERROR: Literal["ERROR"] = "ERROR"
"""In place of a status, where the annotator has none that can be trusted. Never counts as a match."""

Label = Status | Literal["ERROR"]


class LabelledPart(Frozen):
    """A sub-component that labels are about: what it is, without how it is checked."""

    id: str = Field(min_length=1, max_length=120)
    category: Category
    text: SafeText
    parent: str | None = None


class TurnLabels(Frozen):
    """The goal state after one turn."""

    turn: int = Field(ge=1)
    status: dict[str, Label]
    """By sub-component id, the status after this turn (not what changed in it). What was not labelled is left out: it
    is missing, which is no disagreement."""


class StateLabels(Frozen):
    """The goal states of one conversation, by one annotator."""

    labels_version: Literal[1] = LABELS_VERSION
    id: Name
    """The episode's id, or another name of the conversation."""
    annotator: Name
    digest: str = ""
    """What :func:`conversation_digest` gives: episodes of different runs may have the same id. Empty where unknown."""
    components: tuple[LabelledPart, ...]
    labels: tuple[TurnLabels, ...]
    """In the order of turns; turns that were not labelled are left out."""

    @model_validator(mode="after")
    def _fits(self) -> StateLabels:
        categories: dict[str, Category] = {}
        for part in self.components:
            if part.id in categories:
                raise ValueError(f"components: the id {part.id!r} occurs twice")
            categories[part.id] = part.category
        before = 0
        for state in self.labels:
            if state.turn <= before:
                raise ValueError(f"labels: turn {state.turn} stands after turn {before}; every turn once, in order")
            before = state.turn
            for name, label in state.status.items():
                if name not in categories:
                    raise ValueError(f"labels: turn {state.turn} names {name!r}, which is no sub-component")
                chain = CHAINS[categories[name]]
                if label != ERROR and label not in chain:
                    raise ValueError(
                        f"labels: turn {state.turn}, {name!r}: {label} is no status of category {categories[name]}; "
                        f"use {', '.join(chain)} or {ERROR}"
                    )
        return self


def conversation_digest(conversation: Conversation) -> str:
    """What tells a conversation from others: a digest over what user and agent said, 16 hexadecimal digits."""
    said = hashlib.sha256()
    for turn in conversation.turns:
        said.update(f"\1{turn.user}\2{turn.agent or ''}".encode())
    return said.hexdigest()[:16]


def labelled_parts(components: Iterable[Component]) -> tuple[LabelledPart, ...]:
    """Sub-components as labels name them."""
    return tuple(LabelledPart(id=c.id, category=c.category, text=c.text, parent=c.parent) for c in components)


def labelled_digest(components: Iterable[Component]) -> str:
    """What tells a goal's sub-components from others: a digest over what :func:`labelled_parts` says of them."""
    said = json.dumps([part.model_dump(mode="json") for part in labelled_parts(components)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def state_labels(state: GoalState) -> TurnLabels:
    """A goal state as labels; a status that can't be trusted is an error.

    Raises:
        ValueError: For S_0, which is no turn's.
    """
    return TurnLabels(turn=state.turn, status={s.component.id: s.status if s.error is None else ERROR for s in state})


def episode_labels(episode: Episode, annotator: str | None = None) -> StateLabels:
    """The goal states S_1 to S_n of an episode.

    Args:
        episode: As it was played and judged.
        annotator: Who to name; the judge unless given.
    """
    return StateLabels(
        id=episode.id,
        annotator=annotator or episode.setting.judge[:MAX_NAME] or "judge",
        digest=conversation_digest(episode.conversation),
        components=labelled_parts(episode.components),
        labels=tuple(state_labels(state) for state in episode.states[1:]),
    )
