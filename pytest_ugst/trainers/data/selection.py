"""Selection of examples from recorded conversations: what stayed aligned, what is new, and not too much of one kind."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import HELD, Category
from pytest_ugst.trainers.data.examples import Example

Keep = Literal["episodes", "turns", "all"]
"""``episodes``: all of an episode that succeeded in every part and was ended as the rules ask, nothing of others;
``turns``: of any episode, the turns up to the first that broke something; ``all``: whatever was said."""

_RATIO = 2  # how many times as many examples the commonest category may have as the rarest


def well_ended(episode: Episode) -> bool:
    """Return whether the user ended the conversation by a message of its own, once the agent had answered."""
    conversation, closing = episode.conversation, episode.conversation.closing
    ended = conversation.stop is StopReason.USER_ENDED and closing is not None
    return ended and closing is not None and closing.separate and not closing.before_reply


def aligned(episode: Episode) -> bool:
    """Return whether an episode is one to learn from as a whole."""
    return episode.succeeded and well_ended(episode)


def aligned_turns(episode: Episode) -> int:
    """Return how many turns, from the first, broke nothing; a termination message counts as one.

    A turn breaks something if a profile or policy falls in it, or a verdict about it is missing. A termination message
    is one to learn from only if nothing is left to be done.
    """
    turns = len(episode.conversation.turns)
    failing = {v.turn for v in episode.verdicts if v.error is not None}
    for number in range(1, turns + 1):
        if number in failing or any(s.category in HELD and s.settled for s in episode.state(number)):
            return number - 1
    closing = episode.conversation.closing
    if closing is not None and not closing.separate:
        return turns - 1
    return turns + 1 if aligned(episode) else turns


def keep_examples(episode: Episode, examples: Iterable[Example], keep: Keep) -> list[Example]:
    """Return the examples of an episode to learn from."""
    if keep == "all":
        return list(examples)
    if keep == "episodes":
        return list(examples) if aligned(episode) else []
    most = aligned_turns(episode)
    return [example for example in examples if example.turn <= most]


def without_duplicates(examples: Iterable[Example]) -> list[Example]:
    """Return the examples, of those that teach the same only the first."""
    return list({example.digest: example for example in reversed(list(examples))}.values())[::-1]


def within_limit(examples: Sequence[Example], limit: int, count: Callable[[Example], int]) -> list[Example]:
    """Return the examples of at most ``limit`` tokens, by ``count``."""
    return [example for example in examples if count(example) <= limit]


def moved_categories(episode: Episode, turn: int) -> frozenset[Category]:
    """Return the categories in which a turn brought a sub-component forward."""
    before, after = episode.state(turn - 1).statuses(), episode.state(turn)
    return frozenset(s.category for s in after if s.succeeded and s.status is not before[s.component.id])


def balance_goals(examples: Sequence[Example], seed: int) -> list[Example]:
    """Return the examples of as many episodes of each goal as the goal with the fewest has, drawn by seed."""
    by_goal: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        by_goal[example.goal].add(example.episode)
    most = min((len(episodes) for episodes in by_goal.values()), default=0)
    rng = random.Random(seed)  # noqa: S311
    kept = {e for goal in sorted(by_goal) for e in rng.sample(sorted(by_goal[goal]), most)}
    return [example for example in examples if example.episode in kept]


def balance_categories(examples: Sequence[Example], episodes: Mapping[str, Episode], seed: int) -> list[Example]:
    """Drop examples, by seed, until no category is moved in more than twice as many as the rarest one.

    Examples that move nothing (small talk, answers, endings) stay: a conversation needs them.
    """
    moves = {id(one): moved_categories(episodes[one.episode], one.turn) for one in examples}
    counts = Counter(category for one in examples for category in moves[id(one)])
    if not counts:
        return list(examples)
    bound = _RATIO * min(counts.values())
    order = list(examples)
    random.Random(seed).shuffle(order)  # noqa: S311
    dropped: set[int] = set()
    for example in order:
        held = moves[id(example)]
        if held and all(counts[c] > bound for c in held):
            dropped.add(id(example))
            counts.subtract(held)
    return [example for example in examples if id(example) not in dropped]


def hold_out(goals: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """Draw goals to hold out for evaluation.

    Args:
        goals: The goals' ids.
        share: The share to hold out; at least one goal where it is above 0 and there are two.
        seed: The seed of the choice.
    """
    ordered = sorted(set(goals))
    count = min(max(1, round(share * len(ordered))), len(ordered) - 1) if share > 0 and len(ordered) > 1 else 0
    return frozenset(random.Random(f"hold out {seed}").sample(ordered, count))  # noqa: S311
