"""Samples for GRPO: beginnings of the training conversations that end where the user speaks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.tokens import Messages
from pytest_ugst.trainers.data.examples import Example
from pytest_ugst.trainers.grpo.reward.reward import PromptState

MAX_TOKENS = 2_048
"""Of a prompt; the paper's."""
COUNT = 5_000
"""Samples; about the paper's, from 1,000 conversations."""


@dataclass(frozen=True, slots=True)
class PromptSample:
    """A prompt, and the place in a recorded conversation that it stands for."""

    prompt: Messages
    place: PromptState

    @property
    def id(self) -> str:
        """``EPISODE:TURN``."""
        return f"{self.place.episode.id}:{self.place.turn}"


@dataclass(slots=True)
class PromptSamples:
    """What to train on."""

    chosen: list[PromptSample]
    left_out: Counter[str] = field(default_factory=Counter)
    """Why, and how many: ``too long``, ``no episode``, ``state unknown``, ``over the count``."""

    def by_turn(self) -> dict[int, int]:
        """How many there are of each turn."""
        return dict(sorted(Counter(sample.place.turn for sample in self.chosen).items()))


def choose(
    rows: Iterable[Example],
    episodes: Mapping[str, Episode],
    length: Callable[[Messages], int],
    *,
    count: int = COUNT,
    max_tokens: int = MAX_TOKENS,
    first_turns_only: bool = False,
    seed: int = 0,
) -> PromptSamples:
    """Choose samples from the rows of a training set, as many of each turn as there are to be had.

    Args:
        rows: Of a training set.
        episodes: By id.
        length: Tokens of a prompt.
        count: How many at most.
        max_tokens: Longer prompts are left out.
        first_turns_only: Only beginnings of conversations, for multi-turn sampling.
        seed: Of the choice.

    Returns:
        The samples, shuffled.

    Raises:
        UsageError: If none is left.
    """
    left_out: Counter[str] = Counter()
    by_turn: dict[int, list[PromptSample]] = {}
    seen: set[tuple[str, int]] = set()
    for row in rows:
        sample = _sample(row, episodes, left_out)
        if sample is None or (sample.place.episode.id, sample.place.turn) in seen:
            continue
        seen.add((sample.place.episode.id, sample.place.turn))
        if first_turns_only and sample.place.turn != 1:
            continue
        if length(sample.prompt) > max_tokens:
            left_out["too long"] += 1
            continue
        by_turn.setdefault(sample.place.turn, []).append(sample)
    if not by_turn:
        why = ", ".join(f"{n} {reason}" for reason, n in left_out.items()) or "there are no rows"
        raise UsageError(f"no sample to train on is left ({why}); raise max_prompt_tokens or make other data")
    chance = random.Random(seed)  # noqa: S311  # a choice of samples, no secret
    for turn in sorted(by_turn):
        chance.shuffle(by_turn[turn])
    chosen = _balanced([by_turn[turn] for turn in sorted(by_turn)], count)
    left_out["over the count"] += sum(map(len, by_turn.values())) - len(chosen)
    chance.shuffle(chosen)
    return PromptSamples(chosen, +left_out)


def _sample(row: Example, episodes: Mapping[str, Episode], left_out: Counter[str]) -> PromptSample | None:
    episode = episodes.get(row.episode)
    if episode is None or not 1 <= row.turn <= len(episode.conversation.turns) + 1:
        left_out["no episode"] += 1
        return None
    place = PromptState(episode, row.turn)
    # Progress is told against the state before the turn; where a verdict is missing there, it can't be told.
    if row.turn > 1 and any(item.error is not None for item in place.state):
        left_out["state unknown"] += 1
        return None
    return PromptSample([{"role": m.role, "content": m.content} for m in row.prompt], place)


def _balanced(groups: Sequence[list[PromptSample]], count: int) -> list[PromptSample]:
    """Take in turns from the groups until there are enough."""
    taken: list[PromptSample] = []
    for rank in range(max(map(len, groups))):
        for group in groups:
            if rank < len(group):
                if len(taken) >= count:
                    return taken
                taken.append(group[rank])
    return taken
