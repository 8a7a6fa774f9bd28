"""Hypothesis strategies for the records of the core."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pytest_ugst.core.check import Check, Condition, ToolMatch
from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import RULES_BY_CATEGORY, Component, Goal
from pytest_ugst.core.status import CHAINS, Category, Status
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.runs.outcome import Count, Tally

MAX_TURNS = 5

words = st.text(max_size=30)
texts = st.text(min_size=1, max_size=40).filter(str.strip)
identifiers = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,15}", fullmatch=True)
patterns = st.text(min_size=1, max_size=10).map(re.escape)
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | finite | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
json_objects = st.dictionaries(words, json_values, max_size=3)
amounts = st.floats(min_value=0, max_value=1e6)
counts = st.integers(0, 10**9)


def optional(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.none() | strategy


tool_matches = st.builds(
    ToolMatch, name=identifiers, args=json_objects, ok=optional(st.booleans()), result=optional(patterns)
)
_leaves = st.one_of(
    st.builds(Condition, user_says=patterns),
    st.builds(Condition, agent_says=patterns),
    st.builds(Condition, tool=tool_matches),
)


def _nested(inner: SearchStrategy[Condition]) -> SearchStrategy[Condition]:
    several = st.lists(inner, min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Condition, all_of=several),
        st.builds(Condition, any_of=several),
        st.builds(Condition, none_of=several),
        st.builds(Condition, in_order=several),
    )


conditions: SearchStrategy[Condition] = st.recursive(_leaves, _nested, max_leaves=3)


@st.composite
def checks(draw: st.DrawFn, category: Category) -> Check:
    """A check that fits the category."""
    if draw(st.booleans()):
        return Check(python=draw(identifiers), args=draw(json_objects))
    rules = draw(st.lists(st.sampled_from(sorted(RULES_BY_CATEGORY[category])), min_size=1, unique=True))
    return Check(**{rule: draw(conditions) for rule in rules})


@st.composite
def components(draw: st.DrawFn, *, parented: bool = False, bare: bool = False) -> tuple[Component, ...]:
    """Draw the sub-components of one goal, with unique ids.

    Args:
        draw: Hypothesis' way to draw.
        parented: Whether every requirement and preference belongs to an objective, as the file format asks.
        bare: Without checks, slots and varied texts, where only ids and categories matter.
    """
    names = draw(st.lists(identifiers, max_size=6, unique=True))
    made: list[Component] = []
    objectives: list[str] = []
    for name in names:
        category = draw(st.sampled_from(Category))
        belongs = category in (Category.REQUIREMENT, Category.PREFERENCE)
        if parented and belongs and not objectives:
            category, belongs = Category.OBJECTIVE, False
        parent = None
        if belongs and objectives:
            parent = draw(st.sampled_from(objectives) if parented else optional(st.sampled_from(objectives)))
        if category is Category.OBJECTIVE:
            objectives.append(name)
        if bare:
            made.append(Component(id=name, category=category, text=name, parent=parent))
            continue
        made.append(
            Component(
                id=name,
                category=category,
                text=draw(texts),
                parent=parent,
                check=draw(optional(checks(category))),
                slots=draw(json_objects),
            )
        )
    return tuple(draw(st.permutations(made)))


def goals(*, parented: bool = False, bare: bool = False) -> SearchStrategy[Goal]:
    return st.builds(
        Goal,
        id=identifiers,
        text=texts,
        domain=optional(identifiers),
        components=optional(components(parented=parented, bare=bare)),
        tags=st.lists(words, max_size=3).map(tuple),
        max_turns=optional(st.integers(1, 200)),
        data=json_objects,
        source=st.none(),
    )


tool_calls = st.builds(
    ToolCall, id=identifiers, name=identifiers, arguments=json_objects, result=words, ok=st.booleans()
)
turns = st.builds(
    Turn,
    user=words,
    user_reasoning=optional(words),
    tool_calls=st.lists(tool_calls, max_size=2).map(tuple),
    agent=optional(words),
    agent_reasoning=optional(words),
)
closings = st.builds(
    Closing,
    text=words,
    separate=st.booleans(),
    asked=st.booleans(),
    before_reply=st.booleans(),
    reasoning=optional(words),
)
conversations = st.builds(
    Conversation,
    turns=st.lists(turns, max_size=MAX_TURNS).map(tuple),
    stop=optional(st.sampled_from(StopReason)),
    closing=optional(closings),
    error=optional(words),
)
bare_conversations = st.builds(
    Conversation,
    turns=st.integers(0, MAX_TURNS).map(lambda n: (Turn(user="u", agent="a"),) * n),
    stop=optional(st.sampled_from(StopReason)),
)
evidence = st.builds(
    Evidence, turn=st.integers(0, MAX_TURNS), speaker=st.sampled_from(["user", "agent", "tool"]), quote=words
)


def verdicts(component: SearchStrategy[str], statuses: SearchStrategy[Status] | None = None) -> SearchStrategy[Verdict]:
    """Verdicts, errors among them, about turns inside and outside the conversation."""
    common: dict[str, SearchStrategy[Any]] = {
        "component": component,
        "turn": st.integers(-1, MAX_TURNS + 2),
        "reasoning": words,
        "evidence": st.lists(evidence, max_size=2).map(tuple),
        "by": st.sampled_from(["checks", "judge"]),
    }
    said = st.builds(Verdict, status=statuses or st.sampled_from(Status), error=st.none(), **common)
    failed = st.builds(Verdict, status=st.none(), error=words, **common)
    return said | said | said | failed


@st.composite
def sound_verdicts(draw: st.DrawFn, made: tuple[Component, ...], last: int) -> tuple[Verdict, ...]:
    """One verdict with a status of the right category for every sub-component and turn."""
    return tuple(
        Verdict(component=c.id, turn=turn, status=draw(st.sampled_from(CHAINS[c.category])), by="judge")
        for c in made
        for turn in range(1, last + 1)
    )


settings_played = st.builds(
    EpisodeConfig,
    simulator=words,
    agent=words,
    judge=words,
    steer=st.sampled_from(["none", "goal", "state"]),
    reasoning=st.booleans(),
    prompts=words,
    judge_sees_tools=st.booleans(),
    seed=counts,
)
usages = st.builds(
    Usage,
    calls=counts,
    cache_hits=counts,
    retries=counts,
    prompt_tokens=counts,
    cached_tokens=counts,
    completion_tokens=counts,
    seconds=amounts,
    cost=amounts,
)


@st.composite
def episodes(draw: st.DrawFn, *, bare: bool = False) -> Episode:
    """Draw an episode with anything at all said of its sub-components, the goal sometimes not decomposed.

    Args:
        draw: Hypothesis' way to draw.
        bare: With little in goal and conversation, where only the verdicts matter.
    """
    goal = draw(goals(bare=bare))
    trial = draw(st.integers(1, 4))
    known = [c.id for c in goal.components or ()]
    about = st.sampled_from([*known, "nobody"])
    return Episode(
        id=goal.id if trial == 1 else f"{goal.id}@{trial}",
        goal=goal,
        trial=trial,
        setting=draw(settings_played),
        max_turns=draw(st.integers(1, 200)),
        conversation=draw(bare_conversations if bare else conversations),
        verdicts=tuple(draw(st.lists(verdicts(about), max_size=12))),
        usage=draw(st.dictionaries(st.sampled_from(["simulator", "agent", "judge"]), usages, max_size=2)),
        started=draw(words),
        seconds=draw(amounts),
        task=draw(st.dictionaries(words, finite, max_size=2)),
    )


@st.composite
def category_counts(draw: st.DrawFn) -> Count:
    """Draw the numbers of sub-components of one category."""
    total = draw(st.integers(1, 5))
    successes = draw(st.integers(0, total))
    return Count(total, successes, draw(st.integers(0, total - successes)))


tallies = st.builds(
    Tally,
    goal=st.sampled_from(["a", "b", "c", "d"]) | identifiers,
    trial=st.integers(1, 3),
    counts=st.dictionaries(st.sampled_from(Category), category_counts()),
    measured=st.booleans(),
)
