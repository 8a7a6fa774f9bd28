"""The annotations of a run by one annotator: changes of statuses and the number of finished turns, by conversation.

A status moves up its chain or stays. The moves are kept; the status after a turn is folded from the moves up to it, so
that a correction in an earlier turn needs no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import Field, model_validator

from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.labels import StateLabels, TurnLabels, conversation_digest, labelled_digest, labelled_parts
from pytest_ugst.core.status import CHAINS, Status, advance, first_status, last_status

ANNOTATIONS_VERSION: Literal[1] = 1


class Marks(Frozen):
    """The annotation of one conversation so far."""

    digest: str
    """A digest of the conversation: one that was played again is another."""
    parts: str = ""
    """A digest of the goal's sub-components: they change if the goal is edited or decomposed again."""
    turns: int = Field(ge=1)
    """The number of turns of the conversation."""
    seen: int = Field(default=0, ge=0)
    """The number of turns that the annotator has finished; after the last one the judge's verdicts are shown, and
    nothing can be changed any more."""
    moves: dict[str, dict[int, Status]] = Field(default_factory=dict)
    """The new status, by sub-component and turn."""

    @model_validator(mode="after")
    def _fits(self) -> Marks:
        if self.seen > self.turns:
            raise ValueError(f"seen: {self.seen} of {self.turns} turns")
        for component, moves in self.moves.items():
            if bad := [turn for turn in moves if not 1 <= turn <= self.turns]:
                raise ValueError(f"moves: {component!r} in turn {bad[0]} of {self.turns}")
        return self

    @property
    def key(self) -> tuple[str, str]:
        """The digests that tell marks of different conversations or sub-components apart."""
        return self.digest, self.parts

    @property
    def begun(self) -> bool:
        """Return whether there is any work in it."""
        return bool(self.seen or self.moves)

    @property
    def done(self) -> bool:
        """Return whether the whole conversation is annotated."""
        return self.seen >= self.turns

    def require(self, episode: Episode) -> None:
        """Check that the marks fit an episode with the same digests.

        Raises:
            UsageError: If they don't, naming the field.
        """
        if self.turns != (turns := len(episode.conversation.turns)):
            raise UsageError(f"turns: {self.turns}, and the conversation has {turns}")
        chains = {part.id: CHAINS[part.category] for part in episode.components}
        for component, moves in self.moves.items():
            if component not in chains:
                raise UsageError(f"moves: {component!r} is no sub-component of the goal")
            for turn, status in moves.items():
                if status not in chains[component]:
                    raise UsageError(f"moves: {component!r} in turn {turn}: {status} is none of its statuses")

    def status(self, component: Component, turn: int) -> Status:
        """Return the status of a sub-component after a turn; 0 is before the first."""
        status = first_status(component.category)
        for when, moved in self.moves.get(component.id, {}).items():
            if when <= turn:
                status = advance(component.category, status, moved)
        return status

    def settled(self, component: Component, turn: int) -> bool:
        """Return whether a sub-component reached its last status before a turn, so that it can't change any more."""
        return self.status(component, turn - 1) is last_status(component.category)

    def set(self, component: Component, turn: int, status: Status) -> Marks:
        """Return the marks with a new status of a sub-component after a turn.

        Args:
            component: The sub-component.
            turn: A finished turn or the one after those.
            status: A status of the category's chain, not before the status after the previous turn.

        Raises:
            UsageError: If turn or status can't be, or if the conversation is done.
        """
        if self.done:
            raise UsageError("this conversation is done; the judge's verdicts were shown, so it can't be changed")
        if not 1 <= turn <= self.seen + 1:
            raise UsageError(f"turn {turn} is not there yet; go on turn by turn")
        chain = CHAINS[component.category]
        before = self.status(component, turn - 1)
        if status not in chain:
            raise UsageError(f"{status} is no status of a {component.category}; use {', '.join(chain)}")
        if chain.index(status) < chain.index(before):
            raise UsageError(f"it was {before} already, and a status never moves back; correct the earlier turn first")
        moves = {when: moved for when, moved in self.moves.get(component.id, {}).items() if when != turn}
        if status is not before:
            moves[turn] = status
        kept = {name: one for name, one in self.moves.items() if name != component.id}
        return self.model_copy(update={"moves": kept | ({component.id: dict(sorted(moves.items()))} if moves else {})})

    def next(self, turn: int) -> Marks:
        """Return the marks with a turn finished.

        Raises:
            UsageError: If it is not the first unfinished one.
        """
        if turn != self.seen + 1 or self.done:
            raise UsageError(f"turn {turn} is not the one to finish next")
        return self.model_copy(update={"seen": turn})


class Annotations(Frozen):
    """The file of one annotator in a run's folder."""

    annotations_version: Literal[1] = ANNOTATIONS_VERSION
    annotator: SafeText = Field(min_length=1, max_length=60)
    episodes: dict[str, Marks] = Field(default_factory=dict)
    """Marks by episode id."""
    former: dict[str, tuple[Marks, ...]] = Field(default_factory=dict)
    """Marks by episode id of conversations that were played again since, or whose goal has other sub-components now."""

    def of(self, episode: Episode) -> Marks:
        """Return the marks of an episode, new ones if there are none of this conversation and these sub-components."""
        digest, parts = conversation_digest(episode.conversation), labelled_digest(episode.components)
        fresh = Marks(digest=digest, parts=parts, turns=len(episode.conversation.turns))
        return next((marks for marks in self._all(episode.id) if marks.key == fresh.key), fresh)

    def require(self, episodes: Iterable[Episode]) -> None:
        """Check that the marks of episodes fit them.

        Raises:
            UsageError: If some don't, naming episode and field.
        """
        for episode in episodes:
            try:
                self.of(episode).require(episode)
            except UsageError as error:
                raise UsageError(f"episodes.{episode.id}: {error}") from None

    def with_marks(self, episode_id: str, marks: Marks) -> Annotations:
        """Return a copy with new marks of an episode in place of those with the same key; others are kept."""
        others = tuple(one for one in self._all(episode_id) if one.key != marks.key and one.begun)
        former = {name: some for name, some in self.former.items() if name != episode_id}
        if others:
            former[episode_id] = others
        return self.model_copy(update={"episodes": {**self.episodes, episode_id: marks}, "former": former})

    def outdated(self, episodes: Iterable[Episode]) -> list[str]:
        """Return ids of episodes of which only another conversation, or other sub-components, were annotated."""
        return [
            episode.id
            for episode in episodes
            if any(marks.begun for marks in self._all(episode.id)) and not self.of(episode).begun
        ]

    def _all(self, episode_id: str) -> Iterator[Marks]:
        if (marks := self.episodes.get(episode_id)) is not None:
            yield marks
        yield from self.former.get(episode_id, ())


def labels_of(episode: Episode, marks: Marks, annotator: str) -> StateLabels | None:
    """Return the goal states of the turns that the annotator has finished; None if there are none."""
    if not marks.seen:
        return None
    return StateLabels(
        id=episode.id,
        annotator=annotator,
        digest=marks.digest,
        components=labelled_parts(episode.components),
        labels=tuple(
            TurnLabels(turn=turn, status={c.id: marks.status(c, turn) for c in episode.components})
            for turn in range(1, marks.seen + 1)
        ),
    )


def annotatable(episodes: Sequence[Episode]) -> list[Episode]:
    """Return the episodes that have something to annotate: turns and sub-components."""
    return [episode for episode in episodes if episode.components and episode.conversation.turns]
