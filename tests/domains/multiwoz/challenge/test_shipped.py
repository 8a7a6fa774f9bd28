"""The shipped MultiWOZ Challenge: 150 goals, as the generator makes them, none like another."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import SUCCESS, Category
from pytest_ugst.domains.multiwoz import Multiwoz, read_database
from pytest_ugst.domains.multiwoz.challenge import SplitDatabase, challenge_goals, generate, load_pools
from pytest_ugst.domains.multiwoz.challenge.source import SEED, TEST_GOALS, TRAINING_GOALS
from pytest_ugst.domains.multiwoz.challenge.splits import cell
from pytest_ugst.goals.files import find_duplicates
from pytest_ugst.goals.statistics import goal_stats
from pytest_ugst.goals.writer import to_jsonl
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.simulators.agenda.user_goal import read_user_goal
from tests.domains.multiwoz.challenge.played_challenge import Played

ROOT = Path(__file__).parents[4]
FILE = ROOT / "goals" / "multiwoz_challenge.goal.jsonl"
GOALS = list(challenge_goals("test"))
real = pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with multiwoz")


def folder() -> Path:
    return Path(os.environ["UGST_DATA"]) / "multiwoz"


def components(goals: list[Goal], category: Category) -> Iterator[Component]:
    return (component for goal in goals for component in goal.components or () if component.category is category)


def test_there_are_as_many_as_in_the_paper() -> None:
    assert len(GOALS) == TEST_GOALS == 150
    assert len(list(components(GOALS, Category.POLICY))) == 300
    for goal in GOALS:
        by = Counter(component.category for component in goal.components or ())
        assert by[Category.POLICY] == 2
        assert 1 <= by[Category.PROFILE] <= 2
        assert 2 <= by[Category.OBJECTIVE] <= 4
        assert by[Category.REQUIREMENT] + by[Category.PREFERENCE] >= 1 or by[Category.OBJECTIVE] >= 2


def test_all_kinds_are_there_and_mixed() -> None:
    stats = goal_stats(GOALS)
    assert min(stats.kinds.values()) >= 30, stats.kinds
    assert min(stats.about.values()) >= 70, stats.about
    mixed = [goal for goal in GOALS if len({"normal", "impossible", "conditional"} & set(goal.tags)) >= 2]
    assert len(mixed) >= 100
    assert min(stats.components.values()) >= 90, stats.components


def test_they_are_well_made() -> None:
    judge = ChecksJudge()
    assert find_duplicates(GOALS) == []
    assert len({goal.text for goal in GOALS}) == 150
    for goal in GOALS:
        judge.validate(goal)
        read_user_goal(goal)
        assert goal.domain == "multiwoz"
        assert {"multiwoz", "test"} <= set(goal.tags)
        assert "train" not in goal.tags, "that is the other split's"


def test_no_two_are_alike() -> None:
    stats = goal_stats(GOALS)
    assert stats.near_duplicates == 0
    assert len({c.text for c in components(GOALS, Category.POLICY)}) == 50
    profiles = Counter(tuple(c.text for c in goal.components or () if c.category is Category.PROFILE) for goal in GOALS)
    assert len(profiles) == 50
    assert set(profiles.values()) == {3}


@real
def test_the_generator_makes_the_same_file() -> None:
    database = SplitDatabase(read_database(folder()))
    made = to_jsonl(generate(database, load_pools(), SEED, TEST_GOALS, "test"))
    assert made == FILE.read_text(encoding="utf-8"), (
        "make it anew with: ugst goals generate multiwoz --out FILE --force"
    )


@real
def test_every_shipped_goal_can_be_played_to_its_end() -> None:
    domain, judge = Multiwoz(folder()), ChecksJudge()
    for goal in GOALS:
        played = Played(goal, domain)
        for component in goal.components or ():
            if component.category in (Category.PROFILE, Category.POLICY):
                continue
            (verdict,) = judge.verdicts([component], played.conversation, len(played.conversation.turns))
            assert verdict.status in SUCCESS, (goal.id, component)


@real
def test_the_training_set_shares_nothing_with_it() -> None:
    training = list(challenge_goals("train"))
    assert len(training) == TRAINING_GOALS >= 500
    assert all({"multiwoz", "train"} <= set(goal.tags) and "test" not in goal.tags for goal in training)
    assert goal_stats(training).near_duplicate_rate <= 0.01

    def combination(goal: Goal) -> frozenset[str]:
        return frozenset(c.text for c in goal.components or () if c.category in (Category.PROFILE, Category.POLICY))

    assert not {combination(goal) for goal in GOALS} & {combination(goal) for goal in training}
    database = SplitDatabase(read_database(folder()))
    assert not entities(GOALS, database) & entities(training, database)


def entities(goals: list[Goal], database: SplitDatabase) -> set[str]:
    """Return the cells of everything that the goals' searches can find, by the goals' slots."""
    cells: set[str] = set()
    for goal in goals:
        for subgoal in read_user_goal(goal).subgoals:
            for one in filter(None, (subgoal, subgoal.alternative)):
                wanted = dict(one.constraints) if one.kind == "train" else one.search_slots(with_preferences=False)
                wanted.pop("people", None)
                cells |= {f"{cell(one.kind, r)}|{r.get('name')}" for r in database.search(one.kind, wanted)}
    return cells


def test_another_split_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown part of multiwoz_challenge 'dev'"):
        challenge_goals("dev")
