"""What is kept of recorded conversations: what stayed aligned, what is new, and not too much of one kind."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import HELD, Category
from pytest_ugst.trainers.data.examples import Example

Keep = Literal["episodes", "turns", "all"]
"""``episodes``: all of an episode that succeeded in every part and was ended as the rules ask, nothing of others;
``turns``: of any episode, the turns up to the first that broke something; ``all``: whatever was said."""

_RATIO = 2  # how many times as many rows the commonest category may have as the rarest


def well_ended(episode: Episode) -> bool:
    """Whether the user ended the conversation, by a message of its own, once the agent had answered."""
    conversation, closing = episode.conversation, episode.conversation.closing
    ended = conversation.stop is StopReason.USER_ENDED and closing is not None
    return ended and closing is not None and closing.separate and not closing.before_reply


def aligned(episode: Episode) -> bool:
    """Whether an episode is one to learn from as a whole."""
    return episode.succeeded and well_ended(episode)


def aligned_turns(episode: Episode) -> int:
    """How many turns, from the first, broke nothing; a termination message counts as one.

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


def keep_rows(episode: Episode, rows: Iterable[Example], keep: Keep) -> list[Example]:
    """The rows of an episode to learn from."""
    if keep == "all":
        return list(rows)
    if keep == "episodes":
        return list(rows) if aligned(episode) else []
    most = aligned_turns(episode)
    return [row for row in rows if row.turn <= most]


def without_doubles(rows: Iterable[Example]) -> list[Example]:
    """Rows that teach the same, once."""
    return list({row.digest: row for row in reversed(list(rows))}.values())[::-1]


def within(rows: Sequence[Example], limit: int, count: Callable[[Example], int]) -> list[Example]:
    """Rows of at most ``limit`` tokens, by ``count``."""
    return [row for row in rows if count(row) <= limit]


def moved(episode: Episode, turn: int) -> frozenset[Category]:
    """The categories in which a turn brought a sub-component forward."""
    before, after = episode.state(turn - 1).statuses(), episode.state(turn)
    return frozenset(s.category for s in after if s.succeeded and s.status is not before[s.component.id])


def balance_goals(rows: Sequence[Example], seed: int) -> list[Example]:
    """As many episodes of each goal: that of the goal which has fewest, drawn by seed."""
    by_goal: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_goal[row.goal].add(row.episode)
    most = min((len(episodes) for episodes in by_goal.values()), default=0)
    rng = random.Random(seed)  # noqa: S311
    kept = {e for goal in sorted(by_goal) for e in rng.sample(sorted(by_goal[goal]), most)}
    return [row for row in rows if row.episode in kept]


def balance_categories(rows: Sequence[Example], episodes: dict[str, Episode], seed: int) -> list[Example]:
    """Rows thinned out, by seed, until no category is moved in more than twice as many as the rarest one.

    Rows that move nothing (small talk, answers, endings) stay: a conversation needs them.
    """
    moves = {id(row): moved(episodes[row.episode], row.turn) for row in rows}
    counts = Counter(category for row in rows for category in moves[id(row)])
    if not counts:
        return list(rows)
    bound = _RATIO * min(counts.values())
    order = list(rows)
    random.Random(seed).shuffle(order)  # noqa: S311
    dropped: set[int] = set()
    for row in order:
        held = moves[id(row)]
        if held and all(counts[c] > bound for c in held):
            dropped.add(id(row))
            counts.subtract(held)
    return [row for row in rows if id(row) not in dropped]


def hold_out(goals: Iterable[str], share: float, seed: int) -> frozenset[str]:
    """Goals set apart for evaluation: ``share`` of them, at least one where a share is asked for and two are there."""
    ordered = sorted(set(goals))
    count = min(max(1, round(share * len(ordered))), len(ordered) - 1) if share > 0 and len(ordered) > 1 else 0
    return frozenset(random.Random(f"hold out {seed}").sample(ordered, count))  # noqa: S311
