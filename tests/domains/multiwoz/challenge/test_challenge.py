"""Goals made from a database: what they ask for, and that nothing in them contradicts."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import SUCCESS, Category
from pytest_ugst.domains.multiwoz import Multiwoz, read_database
from pytest_ugst.domains.multiwoz.challenge import Pools, SplitDatabase, generate, load_pools
from pytest_ugst.domains.multiwoz.challenge.compose import Draft, combination, drafts
from pytest_ugst.domains.multiwoz.challenge.conditional import holds
from pytest_ugst.domains.multiwoz.challenge.pools import conflicting
from pytest_ugst.domains.multiwoz.challenge.splits import KINDS, SPLITS, cell
from pytest_ugst.goals.writer import to_jsonl
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.simulators.agenda.user_goal import read_user_goal
from tests.domains.multiwoz.challenge.played_challenge import Played
from tests.domains.multiwoz.small_database import write_database
from tests.laws import share

NUMBER = 60


@pytest.fixture(scope="module", params=["small", "real"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "small":
        return write_database(tmp_path_factory.mktemp("multiwoz"))
    if "UGST_DATA" not in os.environ:
        pytest.skip("UGST_DATA names no folder with multiwoz")
    return Path(os.environ["UGST_DATA"]) / "multiwoz"


@pytest.fixture(scope="module")
def database(folder: Path) -> SplitDatabase:
    return SplitDatabase(read_database(folder))


@pytest.fixture(scope="module")
def domain(folder: Path) -> Multiwoz:
    return Multiwoz(folder)


@pytest.fixture(scope="module")
def pools() -> Pools:
    return load_pools()


@pytest.fixture(scope="module")
def made(database: SplitDatabase, pools: Pools) -> dict[str, list[Draft]]:
    return {split: list(drafts(database, pools, 3, NUMBER, split)) for split in SPLITS}


@pytest.fixture(scope="module")
def goals(database: SplitDatabase, pools: Pools) -> list[Goal]:
    return [goal for split in SPLITS for goal in generate(database, pools, 3, NUMBER, split)]


def of(goal: Goal, category: Category) -> list[Component]:
    return [component for component in goal.components or () if component.category is category]


# Objectives


def raw_matches(database: SplitDatabase, what: str, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that match, read from the files without the domain's code."""
    fields = {
        "restaurant": {"cuisine": "food", "price": "pricerange"},
        "hotel": {"kind": "type", "price": "pricerange", "parking": "parking", "wifi": "internet"},
        "attraction": {"kind": "type", "free_entry": "entrance fee"},
        "train": {"origin": "departure"},
    }[what]
    found = []
    for row in database.undivided._raw[what]:
        right = True
        for name, value in wanted.items():
            if name == "leave_after":
                right &= row["leaveAt"] >= value
            elif name == "arrive_by":
                right &= row["leaveAt"] <= row["arriveBy"] <= value
            elif name == "free_entry":
                right &= row["entrance fee"] == "free"
            elif name in ("parking", "wifi"):
                right &= row[fields[name]] == "yes"
            else:
                plain = str(value).lower().replace(" ", "")
                plain = {"sportscentre": "mutliplesports", "boattour": "boat"}.get(plain, plain)
                theirs = row[fields.get(name, name)].lower().replace(" ", "")
                right &= theirs == plain
        if right:
            found.append(row)
    return found


def test_the_impossible_is_impossible_and_the_rest_is_not(
    database: SplitDatabase, made: dict[str, list[Draft]]
) -> None:
    kinds: Counter[str] = Counter()
    for draft in itertools.chain(*made.values()):
        for objective in draft.objectives:
            kinds[objective.kind] += 1
            there = raw_matches(database, objective.what, objective.want)
            assert len(there) == len(objective.found)
            if objective.kind == "impossible":
                assert not there, objective.want
                assert len(objective.want) >= 2 or objective.what == "attraction"
            elif objective.kind == "normal":
                assert 1 <= len(there) <= 6
    assert min(kinds[kind] for kind in ("normal", "impossible", "conditional")) > NUMBER // 4


def test_every_branch_is_decided_by_the_database_and_both_occur(
    database: SplitDatabase, made: dict[str, list[Draft]]
) -> None:
    for split in SPLITS:
        branches: Counter[tuple[str, bool]] = Counter()
        for objective in (q for draft in made[split] for q in draft.objectives if q.condition):
            assert objective.other is not None
            assert raw_matches(database, objective.what, objective.other.want), "there is something to turn to"
            if objective.condition.get("none"):
                branches["none", objective.taken] += 1
                assert objective.taken is not bool(raw_matches(database, objective.what, objective.want))
            elif objective.condition.get("full"):
                branches["full", objective.taken] += 1
                assert len(objective.found) == 1
            else:
                branches["fact", objective.taken] += 1
                assert {holds(objective.condition, record) for record in objective.found} == {objective.taken}
                assert not any(holds(objective.condition, record) for record in objective.other.found)
        assert len(branches) >= 5, branches


def test_the_goal_says_whether_there_is_room_where_that_decides(
    made: dict[str, list[Draft]], goals: list[Goal]
) -> None:
    by_id = {goal.id: goal for goal in goals}
    for draft in itertools.chain(*made.values()):
        goal = by_id[f"multiwoz-{draft.split}-{draft.number:04}"]
        for objective in draft.objectives:
            if objective.condition.get("full"):
                name = objective.want["name"]
                assert (goal.data.get("full", {}).get(name) == [objective.terms["day"]]) is objective.taken
                assert name in goal.data["bookable"]


def test_bookings_are_for_as_many_as_the_profile_says(made: dict[str, list[Draft]]) -> None:
    for draft in itertools.chain(*made.values()):
        people = {objective.terms["people"] for objective in draft.objectives if objective.terms}
        assert len(people) <= 1
        assert not draft.profile.party or people <= set(draft.profile.party)


# Composition


def test_nothing_contradicts_and_policies_come_into_play(made: dict[str, list[Draft]]) -> None:
    for draft in itertools.chain(*made.values()):
        tags = frozenset().union(*(objective.tags() for objective in draft.objectives))
        entries = [draft.profile, *draft.policies]
        assert len(draft.policies) == 2
        for entry in entries:
            assert not {*entry.conflicts} & tags, (entry.id, tags)
            assert {*entry.needs} <= tags
        for one, other in itertools.permutations(entries, 2):
            assert not {*one.conflicts} & other.names(), (one.id, other.id)
        assert 2 <= len(draft.objectives) <= 4
        assert len({objective.what for objective in draft.objectives}) == len(draft.objectives)


def test_policies_and_profiles_take_turns(made: dict[str, list[Draft]], pools: Pools) -> None:
    for split in SPLITS:
        used = Counter(policy.id for draft in made[split] for policy in draft.policies)
        assert max(used.values()) <= 5
        assert len(used) >= len(pools.policies) - 5
        assert len({draft.profile.id for draft in made[split]}) == len(pools.profiles)


def test_the_splits_share_no_entity_and_no_combination(
    database: SplitDatabase, pools: Pools, made: dict[str, list[Draft]]
) -> None:
    cells: dict[str, set[str]] = {}
    combinations: dict[str, set[tuple[str, ...]]] = {}
    searches: dict[str, set[str]] = {}
    for split in SPLITS:
        # Other seeds than the test set's: the parts are the same for all seeds.
        several = [*made[split], *drafts(database, pools, 4, NUMBER, split)]
        objectives = [part for draft in several for objective in draft.objectives for part in objective.parts()]
        cells[split] = {cell(objective.what, record) for objective in objectives for record in objective.found}
        searches[split] = {objective.signature() for objective in objectives if not objective.found}
        combinations[split] = {(d.profile.id, *sorted(p.id for p in d.policies)) for d in several}
        assert {combination(d.profile, d.policies) for d in several} == {split}
    for kind in (cells, searches, combinations):
        assert kind["test"]
        assert not kind["test"] & kind["train"]
    for what in KINDS:
        assert not {str(r) for r in database.part(what, "test")} & {str(r) for r in database.part(what, "train")}


def test_the_same_seed_gives_the_same_bytes(database: SplitDatabase, pools: Pools) -> None:
    first = to_jsonl(generate(database, pools, 11, 12, "train"))
    assert first == to_jsonl(generate(SplitDatabase(database.undivided), load_pools(), 11, 12, "train"))
    assert first.startswith(to_jsonl(generate(database, pools, 11, 5, "train"))), (
        "a smaller set is a part of a larger one"
    )
    assert first != to_jsonl(generate(database, pools, 12, 12, "train"))


@share(0.4)
@given(st.integers(), st.sampled_from(SPLITS))
def test_any_seed_makes_goals_that_can_be_read_and_judged(
    database: SplitDatabase, pools: Pools, seed: int, split: Any
) -> None:
    for goal in generate(database, pools, seed, 2, split):
        ChecksJudge().validate(goal)
        assert goal.components is not None
        assert goal.text.count("  ") == 0


# Goals


def test_the_text_is_made_of_its_components(goals: list[Goal]) -> None:
    for goal in goals:
        text = goal.text.lower()
        for component in goal.components or ():
            for sentence in component.text.lower().split(". "):
                assert sentence.rstrip(".") in text, (goal.id, sentence)


def test_texts_are_clean(goals: list[Goal]) -> None:
    for goal in goals:
        assert not {"None", "{", "}", " ,", " .", "..", ",,", " a a", "food food", " an eu"} & {
            piece
            for piece in ("None", "{", "}", " ,", " .", "..", ",,", " a a", "food food", " an eu")
            if piece in goal.text
        }, goal.text
        for sentence in goal.text.split(". "):
            assert sentence[0].isupper() or sentence[0] == '"', sentence


def test_the_agenda_can_play_every_goal(goals: list[Goal]) -> None:
    for goal in goals:
        assert len(read_user_goal(goal).subgoals) == len(of(goal, Category.OBJECTIVE))


def test_every_goal_opens_a_session(goals: list[Goal], domain: Multiwoz) -> None:
    for goal in goals:
        domain.open(goal, 0)


def test_a_perfect_conversation_succeeds_in_every_task_component(goals: list[Goal], domain: Multiwoz) -> None:
    judge = ChecksJudge()
    for goal, seed in itertools.product(goals, (0, 1)):
        played = Played(goal, domain, seed)
        wanted = [c for c in goal.components or () if c.category not in (Category.PROFILE, Category.POLICY)]
        assert all(component.check is not None for component in wanted)
        for component in wanted:
            reached = _status(judge, component, played.conversation)
            assert reached in SUCCESS, (goal.id, component, played.conversation)


def _status(judge: ChecksJudge, component: Component, conversation: Conversation) -> Any:
    (verdict,) = judge.verdicts([component], conversation, len(conversation.turns))
    assert verdict.error is None
    return verdict.status


def test_the_tags_say_which_branch_a_user_takes(goals: list[Goal], domain: Multiwoz) -> None:
    for goal in goals:
        turned = set(Played(goal, domain).turned.values())
        assert ("branch-taken" in goal.tags) is (True in turned), goal
        assert ("branch-not-taken" in goal.tags) is (False in turned), goal


def test_a_conversation_about_nothing_succeeds_in_no_task_component(goals: list[Goal]) -> None:
    idle = Conversation(turns=(Turn(user="Hello, how are you today?", agent="Fine! What can I do for you?"),) * 3)
    judge = ChecksJudge()
    for goal in goals:
        for component in goal.components or ():
            if component.category not in (Category.PROFILE, Category.POLICY):
                assert _status(judge, component, idle) not in SUCCESS, component


def test_what_another_goals_user_does_is_not_enough(goals: list[Goal], domain: Multiwoz) -> None:
    """A perfect conversation about other things completes few objectives: the checks look at what was wanted."""
    judge = ChecksJudge()
    reached = total = 0
    for goal, other in zip(goals, [*goals[7:], *goals[:7]], strict=True):
        conversation = Played(other, domain).conversation
        for component in of(goal, Category.OBJECTIVE):
            total += 1
            reached += _status(judge, component, conversation) == "COMPLETE"
    assert reached <= 0.05 * total, f"{reached} of {total}"


def test_a_contradiction_is_one_from_either_side(pools: Pools) -> None:
    by_id = {entry.id: entry for entry in (*pools.profiles, *pools.policies)}
    polite, curt = by_id["say-please"], by_id["no-courtesies"]
    assert conflicting(polite, [curt])
    assert conflicting(curt, [polite])
    assert not conflicting(polite, [by_id["greet-first"]])
    assert conflicting(by_id["read-back-reference"], [])
    assert not conflicting(by_id["read-back-reference"], [], frozenset({"books"}))
