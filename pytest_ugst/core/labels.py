"""Labels: the goal states of a conversation according to one annotator.

A person who annotates, a judge whose verdicts were folded, checks, hand-made gold labels: all of them are annotators
whose labels are :class:`StateLabels`, so that any two can be compared. A file of labels holds one record per line
(JSONL).
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
"""The label in place of a status, where the annotator has none that can be trusted. It never counts as a match."""

Label = Status | Literal["ERROR"]


class LabelledPart(Frozen):
    """A sub-component that is labelled, without its check and slots."""

    id: str = Field(min_length=1, max_length=120)
    category: Category
    text: SafeText
    parent: str | None = None


class TurnLabels(Frozen):
    """The labels of the goal state after one turn."""

    turn: int = Field(ge=1)
    status: dict[str, Label]
    """The status after this turn (not the change in it) by sub-component id. A sub-component that was not labelled is
    left out: its label is missing, which is no disagreement."""


class StateLabels(Frozen):
    """The goal states of one conversation according to one annotator."""

    labels_version: Literal[1] = LABELS_VERSION
    id: Name
    """The episode's id, or another name of the conversation."""
    annotator: Name
    digest: str = ""
    """The :func:`conversation_digest`, since episodes of different runs may have the same id. Empty where unknown."""
    components: tuple[LabelledPart, ...]
    labels: tuple[TurnLabels, ...]
    """The labels in the order of turns; turns that were not labelled are left out."""

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
    """Return a digest of what user and agent said, 16 hexadecimal digits, which tells a conversation from others."""
    digest = hashlib.sha256()
    for turn in conversation.turns:
        digest.update(f"\1{turn.user}\2{turn.agent or ''}".encode())
    return digest.hexdigest()[:16]


def labelled_parts(components: Iterable[Component]) -> tuple[LabelledPart, ...]:
    """Return sub-components in the form in which labels hold them."""
    return tuple(LabelledPart(id=c.id, category=c.category, text=c.text, parent=c.parent) for c in components)


def labelled_digest(components: Iterable[Component]) -> str:
    """Return a digest of the :func:`labelled_parts` of a goal, 16 hexadecimal digits, which tells them from others."""
    text = json.dumps([part.model_dump(mode="json") for part in labelled_parts(components)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def state_labels(state: GoalState) -> TurnLabels:
    """Return a goal state as labels; a status that can't be trusted becomes :data:`ERROR`.

    Raises:
        ValueError: For S_0, which is the state before the first turn.
    """
    return TurnLabels(turn=state.turn, status={s.component.id: s.status if s.error is None else ERROR for s in state})


def episode_labels(episode: Episode, annotator: str | None = None) -> StateLabels:
    """Return the goal states S_1 to S_n of an episode as labels.

    Args:
        episode: A played and judged episode.
        annotator: The annotator's name; the judge's unless given.
    """
    return StateLabels(
        id=episode.id,
        annotator=annotator or episode.setting.judge[:MAX_NAME] or "judge",
        digest=conversation_digest(episode.conversation),
        components=labelled_parts(episode.components),
        labels=tuple(state_labels(state) for state in episode.states[1:]),
    )
