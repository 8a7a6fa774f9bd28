"""No sequence of verdicts, in any order, duplicated or partial, breaks the law of statuses."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import Category, Status, advance, first_status, last_status
from pytest_ugst.core.verdict import Verdict
from tests.strategies import MAX_TURNS, components, sound_verdicts, texts, verdicts

# The law once more, written out by hand from the paper's section 4 and not taken from the code under test.
RANKS: dict[str, dict[str, int]] = {
    "profile": {"ALIGNED": 0, "MISALIGNED": 1},
    "policy": {"ALIGNED": 0, "MISALIGNED": 1},
    "objective": {"INCOMPLETE": 0, "ATTEMPTED": 1, "COMPLETE": 2},
    "requirement": {"INCOMPLETE": 0, "ATTEMPTED": 1, "COMPLETE": 2},
    "preference": {"MISALIGNED": 0, "ALIGNED": 1},
}
SUCCESSES = {"ALIGNED", "ATTEMPTED", "COMPLETE"}

Tracked = tuple[tuple[Component, ...], tuple[Verdict, ...], int]


@st.composite
def tracked(draw: st.DrawFn) -> Tracked:
    """Sub-components, anything said of them or of others, and the conversation's length."""
    made = draw(components(bare=True))
    about = st.sampled_from([*(c.id for c in made), "nobody"])
    said = draw(st.lists(verdicts(about), max_size=15))
    return made, tuple(said), draw(st.integers(0, MAX_TURNS))


def by_hand(component: Component, said: tuple[Verdict, ...], turns: int) -> tuple[str, bool]:
    """Status and success of one sub-component, read off the law one turn after the other."""
    ranks = RANKS[component.category]
    rank, whole = 0, True
    for turn in range(1, turns + 1):
        about = [v for v in said if v.component == component.id and v.turn == turn]
        fitting = [ranks[v.status] for v in about if v.status is not None and v.status in ranks]
        whole = whole and bool(fitting) and len(fitting) == len(about)
        rank = max([rank, *fitting])
    status = next(name for name, value in ranks.items() if value == rank)
    if component.category in ("profile", "policy"):
        return status, status == "ALIGNED" and whole and turns > 0
    return status, status in SUCCESSES  # reached: a gap elsewhere cannot take it away


@given(tracked())
def test_agrees_with_the_law_by_hand(case: Tracked) -> None:
    made, said, turns = case
    state = GoalState.fold(made, said, turns)
    for component in made:
        got = state[component.id]
        assert (got.status.value, got.succeeded) == by_hand(component, said, turns)


@given(tracked(), st.randoms())
def test_order_and_repetition_do_not_matter(case: Tracked, random: Random) -> None:
    made, said, turns = case
    shuffled = [*said, *random.choices(said, k=len(said) // 2)] if said else []
    random.shuffle(shuffled)
    assert GoalState.fold(made, shuffled, turns) == GoalState.fold(made, said, turns)


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=2, max_size=4), st.booleans(), st.randoms())
def test_nor_does_it_matter_who_said_the_same_first(reasons: list[str], failed: bool, random: Random) -> None:
    component = Component(id="c", category=Category.POLICY, text="x")
    said = [
        Verdict(component="c", turn=1, error=f"no answer {reason}")
        if failed
        else Verdict(component="c", turn=1, status=Status.MISALIGNED, reasoning=reason)
        for reason in reasons
    ]
    shuffled = random.sample(said, len(said))
    assert GoalState.fold((component,), shuffled, 1) == GoalState.fold((component,), said, 1)
    assert (
        GoalState.fold((component,), shuffled, 1)["c"].explain() == GoalState.fold((component,), said, 1)["c"].explain()
    )


@given(tracked())
def test_statuses_only_move_up_their_chain(case: Tracked) -> None:
    made, said, turns = case
    states = [GoalState.fold(made, said, turn) for turn in range(turns + 1)]
    assert states[0].statuses() == GoalState.initial(made).statuses()
    for before, after in pairwise(states):
        for component in made:
            ranks = RANKS[component.category]
            assert ranks[after[component.id].status] >= ranks[before[component.id].status]
            if before[component.id].settled:
                assert after[component.id].status is before[component.id].status
                assert after[component.id].succeeded == before[component.id].succeeded


@given(tracked(), st.data())
def test_a_verdict_left_out_never_makes_a_success(case: Tracked, data: st.DataObject) -> None:
    made, _, turns = case
    complete = data.draw(sound_verdicts(made, turns))
    kept = tuple(v for v in complete if data.draw(st.booleans()))
    before, after = GoalState.fold(made, complete, turns), GoalState.fold(made, kept, turns)
    for component in made:
        if component.category in (Category.PROFILE, Category.POLICY):
            # What was held must be seen to hold in every turn: one gap and it can't be a success any more.
            gaps = sum(v.component == component.id for v in complete) > sum(v.component == component.id for v in kept)
            assert not (gaps and after[component.id].succeeded)
        assert before[component.id].succeeded or not after[component.id].succeeded


@given(tracked())
def test_without_a_verdict_nothing_succeeds(case: Tracked) -> None:
    made, _, turns = case
    state = GoalState.fold(made, (), turns)
    assert [s.component for s in state.failures()] == list(made)
    if turns:
        assert {s.label for s in state} <= {"ERROR"}


@given(tracked())
def test_statuses_of_another_category_never_count(case: Tracked) -> None:
    made, said, turns = case
    category = {c.id: c.category for c in made}
    foreign = tuple(
        v for v in said if v.status and v.component in category and v.status not in RANKS[category[v.component]]
    )
    state = GoalState.fold(made, foreign, turns)
    assert state.statuses() == GoalState.initial(made).statuses()
    assert not any(s.succeeded for s in state)


@given(tracked(), texts)
def test_a_broken_off_conversation_is_no_failure_of_what_was_open(case: Tracked, reason: str) -> None:
    made, said, turns = case
    whole, broken = GoalState.fold(made, said, turns), GoalState.fold(made, said, turns, reason)
    for one, other in zip(whole, broken, strict=True):
        assert one.status is other.status
        assert one.succeeded or not other.succeeded
        if not other.settled and other.status is not Status.ATTEMPTED:
            assert other.error is not None


@given(tracked())
def test_open_components_are_those_that_may_still_change(case: Tracked) -> None:
    made, said, turns = case
    state = GoalState.fold(made, said, turns)
    top = {category: max(ranks.values()) for category, ranks in RANKS.items()}
    assert state.open() == tuple(c for c in made if RANKS[c.category][state[c.id].status] < top[c.category])


@pytest.mark.parametrize("category", Category)
def test_chain_ends(category: Category) -> None:
    ranks = RANKS[category]
    assert ranks[first_status(category)] == 0
    assert ranks[last_status(category)] == max(ranks.values())


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("current", Status)
@pytest.mark.parametrize("proposed", Status)
def test_advance(category: Category, current: Status, proposed: Status) -> None:
    ranks = RANKS[category]
    if current in ranks and proposed in ranks:
        assert ranks[advance(category, current, proposed)] == max(ranks[current], ranks[proposed])
    else:
        with pytest.raises(ValueError, match=f"no status of a {category}; its statuses are"):
            advance(category, current, proposed)
