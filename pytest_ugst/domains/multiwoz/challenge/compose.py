"""Composition of goals from objectives, a profile and two policies: steps 2 and 3 of the pipeline.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", appendix B. Everything is drawn from a
seed, and goal number n does not depend on the number of goals.
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
from pytest_ugst.domains.multiwoz.challenge.objectives import Kind, NoObjectiveError, ObjectiveSampler, ObjectiveSpec
from pytest_ugst.domains.multiwoz.challenge.pools import Policy, Pools, Profile, conflicting
from pytest_ugst.domains.multiwoz.challenge.reword import Reword
from pytest_ugst.domains.multiwoz.challenge.splits import KINDS, Split, SplitDatabase, split_of
from pytest_ugst.domains.multiwoz.challenge.wording import WordedObjective, verbalize
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
"""Combinations of kinds of objectives in a goal, each with its weight."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts of a goal, before they are joined into its text."""

    number: int
    split: Split
    profile: Profile
    policies: tuple[Policy, ...]
    objectives: tuple[ObjectiveSpec, ...]
    worded: tuple[WordedObjective, ...]


def generate(database: SplitDatabase, pools: Pools, seed: int, count: int, split: Split) -> Iterator[Goal]:
    """Generate goals with known sub-components.

    Args:
        database: The database.
        pools: Profiles and policies.
        seed: Seed of all draws; the same seed gives the same goals.
        count: Number of goals.
        split: ``test`` or ``train``; they share no place, no train, and no profile with the same policies, whatever
            the seeds.

    Yields:
        Goals with sub-components, checks and slots.

    Raises:
        UsageError: If the pools are too small or too much in conflict.
    """
    for draft in drafts(database, pools, seed, count, split):
        yield to_goal(draft, random.Random(f"{seed}|{split}|{draft.number}|text"))  # noqa: S311


async def generate_worded(
    database: SplitDatabase, pools: Pools, seed: int, count: int, split: Split, reword: Reword
) -> list[Goal]:
    """Generate goals like :func:`generate`, with the sentences of their objectives reworded.

    All goals are reworded at the same time.

    Args:
        database: The database.
        pools: Profiles and policies.
        seed: Seed of all draws.
        count: Number of goals.
        split: ``test`` or ``train``.
        reword: The coroutine function that rewords sentences.

    Raises:
        UsageError: If the pools are too small or too much in conflict.
    """
    import asyncio

    async def one(draft: Draft) -> Goal:
        sentences = [sentence for worded in draft.worded for sentence in worded.sentences()]
        reworded = iter(await reword(sentences))
        for worded in draft.worded:
            worded.objective = next(reworded)
            worded.requirements = [(next(reworded), slots) for _, slots in worded.requirements]
            worded.follow_up = next(reworded) if worded.follow_up else ""
            worded.preferences = [(next(reworded), slots) for _, slots in worded.preferences]
        return to_goal(draft, random.Random(f"{seed}|{split}|{draft.number}|text"))  # noqa: S311

    return list(await asyncio.gather(*map(one, drafts(database, pools, seed, count, split))))


def drafts(database: SplitDatabase, pools: Pools, seed: int, count: int, split: Split) -> Iterator[Draft]:
    """Draw the parts of goals.

    Profiles take turns; of the policies that fit, the least used ones are taken.
    """
    order = random.Random(f"{seed}|{split}|order")  # noqa: S311
    used: Counter[str] = Counter()
    seen: set[str] = set()
    queue: list[Profile] = []
    for number in range(1, count + 1):
        if not queue:
            queue = list(pools.profiles)
            order.shuffle(queue)
        profile = queue.pop()
        rng = random.Random(f"{seed}|{split}|{number}")  # noqa: S311
        objectives, policies = _matching(database, pools, split, profile, rng, used, seen)
        used.update(policy.id for policy in policies)
        seen |= {objective.signature() for objective in objectives}
        yield Draft(
            number, split, profile, policies, objectives, tuple(verbalize(objective, rng) for objective in objectives)
        )


def _matching(
    database: SplitDatabase,
    pools: Pools,
    split: Split,
    profile: Profile,
    rng: random.Random,
    used: Counter[str],
    seen: set[str],
) -> tuple[tuple[ObjectiveSpec, ...], tuple[Policy, ...]]:
    """Draw objectives that fit the profile, and policies that fit both."""
    for attempt in range(_TRIES):
        objectives = _objectives(database, split, profile, rng)
        if objectives is None or (
            attempt < _TRIES // 2 and any(objective.signature() in seen for objective in objectives)
        ):
            continue
        tags = frozenset().union(*(objective.tags() for objective in objectives))
        if conflicting(profile, (), tags):
            continue
        fitting = [policy for policy in pools.policies if not conflicting(policy, [profile], tags)]
        rng.shuffle(fitting)
        fitting.sort(key=lambda policy: used[policy.id])
        for one, other in _pairs(len(fitting)):
            pair = (fitting[one], fitting[other])
            if not conflicting(pair[0], pair[1:], tags) and combination(profile, pair) == split:
                return objectives, pair
    raise UsageError(
        f"the profile {profile.id!r} goes with no two policies and no objectives: too many conflicts; "
        "take some away, or add policies"
    )


@cache
def _pairs(count: int) -> tuple[tuple[int, int], ...]:
    """Return all pairs of numbers below ``count``, those of the smallest numbers first."""
    return tuple(sorted(itertools.combinations(range(count), 2), key=lambda pair: (sum(pair), pair)))


def combination(profile: Profile, policies: Sequence[Policy]) -> Split:
    """Return the split that a profile with these policies belongs to."""
    return split_of(profile.id, *sorted(policy.id for policy in policies))


def _objectives(
    database: SplitDatabase, split: Split, profile: Profile, rng: random.Random
) -> tuple[ObjectiveSpec, ...] | None:
    """Draw objectives of different kinds about different things, in any order; None where one of them fails."""
    sampler = ObjectiveSampler(database, split, rng, profile.party)
    plan = list(rng.choices([kinds for _, kinds in _PLANS], [weight for weight, _ in _PLANS])[0])
    rng.shuffle(plan)
    able = [what for what in KINDS if what not in profile.conflicts]
    if len(plan) > len(able):
        return None
    objectives = []
    for kind, what in zip(plan, rng.sample(able, len(plan)), strict=True):
        try:
            if kind == "normal":
                objectives.append(sampler.normal(what))
            elif kind == "impossible":
                objectives.append(sampler.impossible(what))
            else:
                objectives.append(conditional(sampler, what, taken=rng.random() < 0.5))
        except NoObjectiveError:
            return None
    return tuple(objectives)


def to_goal(draft: Draft, rng: random.Random) -> Goal:
    """Return the goal with its text, sub-components, checks, slots, tags and data.

    Args:
        draft: The parts of the goal.
        rng: The source of randomness for the text.
    """
    profile = draft.profile.components()
    policy = [item for one in draft.policies for item in one.components()]
    tasks = [_task(objective, worded) for objective, worded in zip(draft.objectives, draft.worded, strict=True)]
    document = GoalDocument(
        id=f"multiwoz-{draft.split}-{draft.number:04}",
        goal=_text([item.text for item in profile], [item.text for item in policy], draft.worded, rng),
        domain=DOMAIN,
        components=Components(profile=tuple(profile), policy=tuple(policy), task=tuple(tasks)),
        tags=_tags(draft),
        data=_data(draft.objectives),
    )
    return document.to_goal()


def _tags(draft: Draft) -> tuple[str, ...]:
    kinds = [kind for kind in ("normal", "impossible", "conditional") if any(q.kind == kind for q in draft.objectives)]
    branches = {
        "branch-taken" if objective.taken else "branch-not-taken"
        for objective in draft.objectives
        if objective.condition
    }
    subjects = [f"{what}s" for what in KINDS if any(objective.what == what for objective in draft.objectives)]
    return (DOMAIN, draft.split, *kinds, *sorted(branches), *subjects)


def _data(objectives: Sequence[ObjectiveSpec]) -> dict[str, Any]:
    """Return the goal's ``data``: it decides each branch on whether there is room, instead of the episode's seed."""
    full = {q.want["name"]: [q.terms["day"]] for q in objectives if q.condition.get("full") and q.taken}
    bookable = [objective.want["name"] for objective in objectives if objective.condition.get("full")]
    return ({"full": full} if full else {}) | ({"bookable": bookable} if bookable else {})


def _task(objective: ObjectiveSpec, worded: WordedObjective) -> TaskItem:
    return TaskItem(
        text=f"{worded.objective} {worded.follow_up}".strip(),
        check=checks.of_objective(objective),
        slots=_objective_slots(objective, worded),
        requirements=tuple(
            Item(text=text, check=checks.of_requirement(objective, slots), slots=slots)
            for text, slots in worded.requirements
        ),
        preferences=tuple(
            Item(text=text, check=checks.of_preference(slots), slots=slots) for text, slots in worded.preferences
        ),
    )


def _objective_slots(objective: ObjectiveSpec, worded: WordedObjective) -> dict[str, Any]:
    """Return the slots by which a rule-based simulator understands the objective."""
    slots: dict[str, Any] = {"kind": objective.what, "intent": objective.intent}
    want = dict(worded.slots)
    if objective.condition.get("full"):
        want["day"] = objective.terms["day"]
    if want:
        slots["want"] = want
    if objective.ask:
        slots["ask"] = list(objective.ask)
    if objective.other is None:
        return slots
    if objective.condition.get("full"):
        return {**slots, "if_full": {"day": objective.other.terms["day"]}}
    other: dict[str, Any] = {
        "kind": objective.what,
        "intent": objective.other.intent,
        "want": dict(objective.other.want),
    }
    other |= {"ask": list(objective.other.ask)} if objective.other.ask else {}
    return {**slots, "condition": dict(objective.condition), "alternative": other}


_PLAIN: Final = frozenset({"Ask", "Book", "Look", "Somebody", "The", "You"})
"""First words of a sentence that are not part of a name."""
_FIRST: Final = ("", "", "First of all, ", "To begin with, ", "For a start, ", "First, ")
_NEXT: Final = ("", "Then ", "After that, ", "Apart from that, ", "Besides, ", "Next, ")
_LAST: Final = ("", "Finally, ", "Last of all, ", "On top of that, ", "And lastly, ")


def _text(profile: list[str], policy: list[str], worded: Sequence[WordedObjective], rng: random.Random) -> str:
    """Join all sentences into one text: who the user is, what they do, how they behave."""
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
