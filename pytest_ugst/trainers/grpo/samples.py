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
"""Tokens of a prompt, as in the paper."""
COUNT = 5_000
"""Number of samples; about as many as in the paper, from 1,000 conversations."""


@dataclass(frozen=True, slots=True)
class PromptSample:
    """A prompt, and the state of the recorded conversation that it stands for."""

    prompt: Messages
    prompt_state: PromptState

    @property
    def id(self) -> str:
        """The name of the sample: ``EPISODE:TURN``."""
        return f"{self.prompt_state.episode.id}:{self.prompt_state.turn}"


@dataclass(slots=True)
class PromptSamples:
    """The samples to train on."""

    chosen: list[PromptSample]
    left_out: Counter[str] = field(default_factory=Counter)
    """The number of samples left out by reason: ``too long``, ``no episode``, ``state unknown``, ``over the count``."""

    def by_turn(self) -> dict[int, int]:
        """Return how many there are of each turn."""
        return dict(sorted(Counter(sample.prompt_state.turn for sample in self.chosen).items()))


def choose_samples(
    examples: Iterable[Example],
    episodes: Mapping[str, Episode],
    length: Callable[[Messages], int],
    *,
    count: int = COUNT,
    max_tokens: int = MAX_TOKENS,
    first_turns_only: bool = False,
    seed: int = 0,
) -> PromptSamples:
    """Choose samples from the examples of a data folder, as many of each turn as there are to be had.

    Args:
        examples: The examples.
        episodes: The episodes they come from, by id.
        length: Counts the tokens of a prompt.
        count: The largest number of samples.
        max_tokens: Tokens of a prompt; longer ones are left out.
        first_turns_only: Whether only beginnings of conversations are chosen, for multi-turn sampling.
        seed: The seed of the choice.

    Returns:
        The samples, shuffled.

    Raises:
        UsageError: If none is left.
    """
    left_out: Counter[str] = Counter()
    by_turn: dict[int, list[PromptSample]] = {}
    seen: set[tuple[str, int]] = set()
    for example in examples:
        sample = _sample(example, episodes, left_out)
        if sample is None or (sample.prompt_state.episode.id, sample.prompt_state.turn) in seen:
            continue
        seen.add((sample.prompt_state.episode.id, sample.prompt_state.turn))
        if first_turns_only and sample.prompt_state.turn != 1:
            continue
        if length(sample.prompt) > max_tokens:
            left_out["too long"] += 1
            continue
        by_turn.setdefault(sample.prompt_state.turn, []).append(sample)
    if not by_turn:
        reasons = ", ".join(f"{n} {reason}" for reason, n in left_out.items()) or "there are no rows"
        raise UsageError(f"no sample to train on is left ({reasons}); raise max_prompt_tokens or make other data")
    rng = random.Random(seed)  # noqa: S311  # a choice of samples, no secret
    for turn in sorted(by_turn):
        rng.shuffle(by_turn[turn])
    chosen = _balanced([by_turn[turn] for turn in sorted(by_turn)], count)
    left_out["over the count"] += sum(map(len, by_turn.values())) - len(chosen)
    rng.shuffle(chosen)
    return PromptSamples(chosen, +left_out)


def _sample(example: Example, episodes: Mapping[str, Episode], left_out: Counter[str]) -> PromptSample | None:
    """Return the sample of an example; count the reason where there is none."""
    episode = episodes.get(example.episode)
    if episode is None or not 1 <= example.turn <= len(episode.conversation.turns) + 1:
        left_out["no episode"] += 1
        return None
    prompt_state = PromptState(episode, example.turn)
    # Progress is measured against the state before the turn; where a verdict is missing there, it is unknown.
    if example.turn > 1 and any(item.error is not None for item in prompt_state.goal_state):
        left_out["state unknown"] += 1
        return None
    return PromptSample([{"role": m.role, "content": m.content} for m in example.prompt], prompt_state)


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
