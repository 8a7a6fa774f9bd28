"""What an annotator has said of a run: the statuses that moved, by conversation, and how far they have got.

The law of statuses holds: a status moves up its chain or stays. What is kept are the moves; the status after a turn is
folded from those up to it, so that a correction in an earlier turn needs no others.
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
    """One conversation, as far as it is annotated."""

    digest: str
    """Of the conversation: one that was played again is another."""
    parts: str = ""
    """A digest of the goal's sub-components: of a goal that was edited or cut up anew they are others."""
    turns: int = Field(ge=1)
    """How many it has."""
    seen: int = Field(default=0, ge=0)
    """Turns the annotator is done with; after the last one the judge's verdicts are shown, and nothing changes any
    more."""
    moves: dict[str, dict[int, Status]] = Field(default_factory=dict)
    """By sub-component and turn, the status it moved to."""

    @model_validator(mode="after")
    def _fits(self) -> Marks:
        if self.seen > self.turns:
            raise ValueError(f"seen: {self.seen} of {self.turns} turns")
        for component, moves in self.moves.items():
            if bad := [turn for turn in moves if not 1 <= turn <= self.turns]:
                raise ValueError(f"moves: {component!r} in turn {bad[0]} of {self.turns}")
        return self

    @property
    def about(self) -> tuple[str, str]:
        """What tells marks of other conversations or sub-components apart."""
        return self.digest, self.parts

    @property
    def begun(self) -> bool:
        """Whether there is any work in it."""
        return bool(self.seen or self.moves)

    @property
    def done(self) -> bool:
        """Whether the whole conversation is annotated."""
        return self.seen >= self.turns

    def require(self, episode: Episode) -> None:
        """Make sure that they can be of an episode, whose conversation and sub-components they say they are about.

        Raises:
            UsageError: If they say what can't be.
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
        """A sub-component's status after a turn; 0 is before the first."""
        status = first_status(component.category)
        for when, moved in self.moves.get(component.id, {}).items():
            if when <= turn:
                status = advance(component.category, status, moved)
        return status

    def settled(self, component: Component, turn: int) -> bool:
        """Whether nothing more can be said of a sub-component in a turn: it got to its last status before."""
        return self.status(component, turn - 1) is last_status(component.category)

    def set(self, component: Component, turn: int, status: Status) -> Marks:
        """The marks with a sub-component's status after a turn.

        Args:
            component: Which.
            turn: One that the annotator has got to.
            status: On the category's chain, and not before what it was after the turn before.

        Raises:
            UsageError: If it is not, or the conversation is done.
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
        """The marks with a turn done.

        Raises:
            UsageError: If it is not the first one that is not.
        """
        if turn != self.seen + 1 or self.done:
            raise UsageError(f"turn {turn} is not the one to finish next")
        return self.model_copy(update={"seen": turn})


class Annotations(Frozen):
    """The file of one annotator in a run's folder."""

    annotations_version: Literal[1] = ANNOTATIONS_VERSION
    annotator: SafeText = Field(min_length=1, max_length=60)
    episodes: dict[str, Marks] = Field(default_factory=dict)
    """By episode id."""
    former: dict[str, tuple[Marks, ...]] = Field(default_factory=dict)
    """By episode id, work on what has since been played again, or whose goal has other sub-components by now."""

    def of(self, episode: Episode) -> Marks:
        """The marks of an episode, new ones where there are none of this conversation and these sub-components."""
        digest, parts = conversation_digest(episode.conversation), labelled_digest(episode.components)
        fresh = Marks(digest=digest, parts=parts, turns=len(episode.conversation.turns))
        return next((marks for marks in self._all(episode.id) if marks.about == fresh.about), fresh)

    def require(self, episodes: Iterable[Episode]) -> None:
        """Make sure that the marks of episodes can be of them.

        Raises:
            UsageError: Naming episode and field.
        """
        for episode in episodes:
            try:
                self.of(episode).require(episode)
            except UsageError as error:
                raise UsageError(f"episodes.{episode.id}: {error}") from None

    def with_marks(self, episode_id: str, marks: Marks) -> Annotations:
        """With an episode's marks in place of those of the same conversation and sub-components; others are kept."""
        others = tuple(one for one in self._all(episode_id) if one.about != marks.about and one.begun)
        former = {name: some for name, some in self.former.items() if name != episode_id}
        if others:
            former[episode_id] = others
        return self.model_copy(update={"episodes": {**self.episodes, episode_id: marks}, "former": former})

    def outdated(self, episodes: Iterable[Episode]) -> list[str]:
        """Ids of episodes of which only another conversation, or other sub-components, were annotated."""
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
    """The goal states of the turns that the annotator is done with; None if there are none."""
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
    """Those that have something to annotate: turns and sub-components."""
    return [episode for episode in episodes if episode.components and episode.conversation.turns]
