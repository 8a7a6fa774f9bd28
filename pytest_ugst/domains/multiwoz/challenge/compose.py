"""Goals from objectives, a profile and two policies: steps 2 and 3 of the pipeline.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", appendix B. Everything comes from a seed,
and goal number n does not depend on how many goals are made.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.multiwoz.challenge import checks
from pytest_ugst.domains.multiwoz.challenge.conditional import conditional
from pytest_ugst.domains.multiwoz.challenge.objectives import Kind, NoQuestError, Quest, Quests
from pytest_ugst.domains.multiwoz.challenge.pools import Policy, Pools, Profile, at_odds
from pytest_ugst.domains.multiwoz.challenge.reword import Reword
from pytest_ugst.domains.multiwoz.challenge.splits import KINDS, Split, World, split_of
from pytest_ugst.domains.multiwoz.challenge.wording import Worded, put_into_words
from pytest_ugst.goals.schema import Components, GoalDocument, Item, TaskItem

DOMAIN: Final = "multiwoz"
_TRIES: Final = 300
_PLANS: Final[Sequence[tuple[int, tuple[Kind, ...]]]] = (
    (4, ("normal", "normal")),
    (5, ("normal", "impossible")),
    (5, ("normal", "conditional")),
    (3, ("impossible", "conditional")),
    (5, ("normal", "normal", "conditional")),
    (5, ("normal", "normal", "impossible")),
    (4, ("normal", "impossible", "conditional")),
    (2, ("normal", "normal", "impossible", "conditional")),
    (2, ("normal", "normal", "normal", "conditional")),
)
"""How the kinds are mixed in a goal, each with its weight."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A goal before its last words: what it consists of."""

    number: int
    split: Split
    profile: Profile
    policies: tuple[Policy, ...]
    quests: tuple[Quest, ...]
    worded: tuple[Worded, ...]


def generate(world: World, pools: Pools, seed: int, count: int, split: Split) -> Iterator[Goal]:
    """Goals with known sub-components.

    Args:
        world: The database.
        pools: Profiles and policies.
        seed: The same seed gives the same goals.
        count: How many.
        split: ``test`` and ``train`` share no place, no train, and no profile with the same policies, whatever the
            seeds.

    Raises:
        UsageError: If the pools are too small or too much in conflict.
    """
    for draft in drafts(world, pools, seed, count, split):
        yield to_goal(draft, random.Random(f"{seed}|{split}|{draft.number}|text"))  # noqa: S311


async def generate_worded(
    world: World, pools: Pools, seed: int, count: int, split: Split, reword: Reword
) -> list[Goal]:
    """As :func:`generate`, with the objectives in a model's words. All goals are asked for at once."""
    import asyncio

    async def one(draft: Draft) -> Goal:
        sentences = [sentence for worded in draft.worded for sentence in worded.sentences()]
        told = iter(await reword(sentences))
        for worded in draft.worded:
            worded.objective = next(told)
            worded.requirements = [(next(told), slots) for _, slots in worded.requirements]
            worded.then = next(told) if worded.then else ""
            worded.preferences = [(next(told), slots) for _, slots in worded.preferences]
        return to_goal(draft, random.Random(f"{seed}|{split}|{draft.number}|text"))  # noqa: S311

    return list(await asyncio.gather(*map(one, drafts(world, pools, seed, count, split))))


def drafts(world: World, pools: Pools, seed: int, count: int, split: Split) -> Iterator[Draft]:
    """What goals consist of. Profiles take turns; of the policies that fit, the least used ones are taken."""
    order = random.Random(f"{seed}|{split}|order")  # noqa: S311
    used: Counter[str] = Counter()
    seen: set[str] = set()
    waiting: list[Profile] = []
    for number in range(1, count + 1):
        if not waiting:
            waiting = list(pools.profiles)
            order.shuffle(waiting)
        profile = waiting.pop()
        rng = random.Random(f"{seed}|{split}|{number}")  # noqa: S311
        quests, policies = _matching(world, pools, split, profile, rng, used, seen)
        used.update(policy.id for policy in policies)
        seen |= {quest.signature() for quest in quests}
        yield Draft(number, split, profile, policies, quests, tuple(put_into_words(quest, rng) for quest in quests))


def _matching(
    world: World,
    pools: Pools,
    split: Split,
    profile: Profile,
    rng: random.Random,
    used: Counter[str],
    seen: set[str],
) -> tuple[tuple[Quest, ...], tuple[Policy, ...]]:
    """Objectives that suit the profile, and policies that suit both."""
    for attempt in range(_TRIES):
        quests = _quests(world, split, profile, rng)
        if quests is None or (attempt < _TRIES // 2 and any(quest.signature() in seen for quest in quests)):
            continue
        tags = frozenset().union(*(quest.tags() for quest in quests))
        if at_odds(profile, (), tags):
            continue
        fitting = [policy for policy in pools.policies if not at_odds(policy, [profile], tags)]
        rng.shuffle(fitting)
        fitting.sort(key=lambda policy: used[policy.id])
        for one, other in _pairs(len(fitting)):
            pair = (fitting[one], fitting[other])
            if not at_odds(pair[0], pair[1:], tags) and combination(profile, pair) == split:
                return quests, pair
    raise UsageError(
        f"the profile {profile.id!r} goes with no two policies and no objectives: too many conflicts; "
        "take some away, or add policies"
    )


@cache
def _pairs(count: int) -> tuple[tuple[int, int], ...]:
    """The pairs of so many things, those with the first things first."""
    return tuple(sorted(itertools.combinations(range(count), 2), key=lambda pair: (sum(pair), pair)))


def combination(profile: Profile, policies: Sequence[Policy]) -> Split:
    """The split a profile with these policies belongs to."""
    return split_of(profile.id, *sorted(policy.id for policy in policies))


def _quests(world: World, split: Split, profile: Profile, rng: random.Random) -> tuple[Quest, ...] | None:
    """Objectives of different kinds about different things, in any order; None where one of them can't be had."""
    quests = Quests(world, split, rng, profile.party)
    plan = list(rng.choices([kinds for _, kinds in _PLANS], [weight for weight, _ in _PLANS])[0])
    rng.shuffle(plan)
    able = [what for what in KINDS if what not in profile.conflicts]
    if len(plan) > len(able):
        return None
    made = []
    for kind, what in zip(plan, rng.sample(able, len(plan)), strict=True):
        try:
            if kind == "normal":
                made.append(quests.normal(what))
            elif kind == "impossible":
                made.append(quests.impossible(what))
            else:
                made.append(conditional(quests, what, taken=rng.random() < 0.5))
        except NoQuestError:
            return None
    return tuple(made)


def to_goal(draft: Draft, rng: random.Random) -> Goal:
    """A goal with its text, sub-components, checks, slots, tags and data."""
    profile = draft.profile.components()
    policy = [item for one in draft.policies for item in one.components()]
    tasks = [_task(quest, worded) for quest, worded in zip(draft.quests, draft.worded, strict=True)]
    document = GoalDocument(
        id=f"multiwoz-{draft.split}-{draft.number:04}",
        goal=_text([item.text for item in profile], [item.text for item in policy], draft.worded, rng),
        domain=DOMAIN,
        components=Components(profile=tuple(profile), policy=tuple(policy), task=tuple(tasks)),
        tags=_tags(draft),
        data=_data(draft.quests),
    )
    return document.to_goal()


def _tags(draft: Draft) -> tuple[str, ...]:
    kinds = [kind for kind in ("normal", "impossible", "conditional") if any(q.kind == kind for q in draft.quests)]
    branches = {"branch-taken" if quest.taken else "branch-not-taken" for quest in draft.quests if quest.condition}
    about = [f"{what}s" for what in KINDS if any(quest.what == what for quest in draft.quests)]
    return (DOMAIN, draft.split, *kinds, *sorted(branches), *about)


def _data(quests: Sequence[Quest]) -> dict[str, Any]:
    """What decides a branch on whether there is room: nothing is left to the episode's seed there."""
    full = {q.want["name"]: [q.terms["day"]] for q in quests if q.condition.get("full") and q.taken}
    bookable = [quest.want["name"] for quest in quests if quest.condition.get("full")]
    return ({"full": full} if full else {}) | ({"bookable": bookable} if bookable else {})


def _task(quest: Quest, worded: Worded) -> TaskItem:
    return TaskItem(
        text=f"{worded.objective} {worded.then}".strip(),
        check=checks.of_objective(quest),
        slots=_objective_slots(quest, worded),
        requirements=tuple(
            Item(text=text, check=checks.of_requirement(quest, slots), slots=slots)
            for text, slots in worded.requirements
        ),
        preferences=tuple(
            Item(text=text, check=checks.of_preference(slots), slots=slots) for text, slots in worded.preferences
        ),
    )


def _objective_slots(quest: Quest, worded: Worded) -> dict[str, Any]:
    """What the objective means to a rule-based simulator."""
    slots: dict[str, Any] = {"kind": quest.what, "intent": quest.intent}
    want = dict(worded.told)
    if quest.condition.get("full"):
        want["day"] = quest.terms["day"]
    if want:
        slots["want"] = want
    if quest.ask:
        slots["ask"] = list(quest.ask)
    if quest.other is None:
        return slots
    if quest.condition.get("full"):
        return {**slots, "if_full": {"day": quest.other.terms["day"]}}
    other: dict[str, Any] = {"kind": quest.what, "intent": quest.other.intent, "want": dict(quest.other.want)}
    other |= {"ask": list(quest.other.ask)} if quest.other.ask else {}
    return {**slots, "condition": dict(quest.condition), "alternative": other}


_PLAIN: Final = frozenset({"Ask", "Book", "Look", "Somebody", "The", "You"})
"""First words of a sentence that are no part of a name."""
_FIRST: Final = ("", "", "First of all, ", "To begin with, ", "For a start, ", "First, ")
_NEXT: Final = ("", "Then ", "After that, ", "Apart from that, ", "Besides, ", "Next, ")
_LAST: Final = ("", "Finally, ", "Last of all, ", "On top of that, ", "And lastly, ")


def _text(profile: list[str], policy: list[str], worded: Sequence[Worded], rng: random.Random) -> str:
    """All sentences as one text: who the user is, what they do, how they behave."""
    task: list[str] = []
    used: set[str] = set()
    for at, objective in enumerate(worded):
        leads = [
            lead for lead in (_FIRST if at == 0 else _LAST if at == len(worded) - 1 else _NEXT) if lead not in used
        ]
        first, *rest = objective.sentences()
        lead = rng.choice(leads)
        used |= {lead} - {""}
        plain = first.split()[0] in _PLAIN
        task.append(" ".join([lead + (first[:1].lower() + first[1:] if lead and plain else first), *rest]))
    who, how, what = " ".join(profile), " ".join(policy), " ".join(task)
    return " ".join([who, how, what] if rng.random() < 0.65 else [who, what, how])
